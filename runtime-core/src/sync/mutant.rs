//! The steps that a model may break.

/// A step of a protocol that a model can leave out or take in the wrong order, to see itself fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// a1: a poll forgets, at its end, that a wake arrived while it ran.
    ForgetWakeDuringPoll,
    /// a1: a wake of a task that is already scheduled publishes nothing.
    WakeWithoutRelease,
    /// a2: `cancel` drops the future in place instead of scheduling its task.
    CancelInPlace,
    /// a3: DONE is published without the output.
    DoneBeforeOutput,
    /// a4: a reference is given back without acquiring what the others did.
    ReleaseRelaxed,
    /// a5: `uncancel` takes the count down first, and the request back afterwards.
    WithdrawInTwoSteps,
    /// a5: `uncancel` takes the count to zero and leaves the request.
    KeepWithdrawn,
    /// a6: who finds the end tells although somebody else tells already.
    NotifyBesideNotifier,
    /// a6: the teller does not look again.
    NotifyOnce,
    /// a7: a claim is not noted.
    MeetNobody,
    /// a8: a scope is woken for what was given back before it can see that.
    WakeBeforeTheWord,
    /// a9: a request is counted outside the lock of its message.
    CountUnlocked,
    /// a9: the message is not set aside when its delivery begins.
    MessageLeft,
    /// a10: a request publishes nothing.
    RequestRelaxed,
    /// a11: who drops the handle publishes nothing.
    DetachRelaxed,
    /// a11: the hint that the handle is gone acquires nothing.
    HintRelaxed,
    /// a12: the side allocation is stored without a release.
    SideExchangeRelaxed,
    /// a12: the side allocation is found without an acquire.
    SideLoadRelaxed,
    /// a12: the context is stored without a release.
    ContextExchangeRelaxed,
    /// a12: the context is found without an acquire.
    ContextLoadRelaxed,
    /// a13: who comes on the list does not look for the end afterwards.
    ListWithoutLook,
    /// a14: whether the task has had its part of the shutdown is not looked at.
    ShutdownTwice,
    /// a15: the edge is added after the request has been passed on.
    EdgeAfterRequest,
    /// a16: a request that is older than the last delivery is delivered.
    DeliverOlder,
    /// a16: a request that is newer than the last delivery is taken for a part of it.
    MergeNewer,
    /// a16: what a handler takes along at its beginning is not noted as met.
    MeetTheFirst,
    /// b1: a sleeper does not look at the queues again after it has said that it sleeps.
    SleepWithoutRescan,
    /// b2: the last searcher that finds work wakes nobody in its place.
    LastSearcherSilent,
    /// b3: the parker's token is cleared after the look at it.
    ForgetToken,
    /// b4: a worker leaves with its queue full.
    LeaveWithoutSpill,
    /// b5: a stand-in rests although it has been recalled.
    RestUnasked,
    /// b4: a worker that leaves does not count as awake any more when it spills its queue.
    DepartBeforeSpill,
    /// b6: a slot publishes nothing of the task that is put into it.
    SlotRelaxed,
    /// b7: the inbox says that something is there before it is.
    AnyBeforePush,
    /// b7: the inbox says that nothing is there after the lock under which it was taken.
    ClearUnlocked,
    /// b7: the thread of an inbox is not woken.
    SendSilently,
    /// b8: the poller thread goes to bed without the fence before its look.
    ParkWithoutFence,
    /// b8: a worker that wakes up looks at the bed without the fence before.
    UnparkWithoutFence,
    /// b8: a worker that comes back does not wake the poller thread.
    ArriveSilently,
    /// c1: the notification is sent before the push.
    NotifyBeforePush,
    /// c2: whether a completion is in time is decided before the lock under which it happens.
    CompleteUnlocked,
    /// c2: the end is not told to the threads that sleep.
    NotifyNoSleeper,
    /// c2: the end is told to one of the threads that sleep.
    NotifyOneSleeper,
    /// c2: a wait whose time is over does not look once more.
    GiveUpUnseen,
    /// c2: who adds a callback looks for the end before the lock under which it adds it.
    AddCallbackUnlocked,
    /// c3: the closed bit is looked at outside the lock under which the push happens.
    PushUnlocked,
    /// h1: a wake may push into a queue that has been drained.
    PushAfterDrain,
    /// h1: worker 0 is not told that a task has left.
    EndUntold,
    /// h1: a task leaves the registry before it tells of its end.
    RemoveBeforeNotify,
    /// h1: who tells of an end after the completer is not waited for.
    NotifierUncounted,
    /// h2: the shutdown wakes one worker only.
    StopWakesOne,
    /// h3: a thread that cannot be started is nobody's error.
    SwallowRefusal,
    /// h3: a thread of the pool decides to leave before the lock under which it leaves.
    LeaveUnlocked,
    /// h3: a thread of the pool leaves when its time is over, whatever is queued.
    LeaveWithWork,
    /// h3: a thread that has been woken leaves the summons standing.
    WakeUpStays,
    /// d1: who re-arms a timer is not told that it has fired.
    FireUntold,
    /// d1: a visit to a wheel does not look at what was cancelled while its lock was taken.
    ForgetCancelled,
    /// d2: a timer is added without a look at how long the poller sleeps.
    ArmWithoutLook,
    /// d3: what the kernel's timer was armed for is believed after its shot has been taken.
    TrustTakenShot,
    /// d4: a wheel's next deadline is published after its lock.
    PublishUnlocked,
    /// d5: a wheel that is closed takes a timer.
    InsertClosed,
    /// e1: a worker that leaves the poller keeps the role.
    KeepRole,
    /// e1: the role is looked at and taken in two steps.
    TakeInTwoSteps,
    /// e2: an unpark looks whom to wake, and leaves the token afterwards.
    UnparkInTwoSteps,
    /// e2: a worker gives the role back before it counts as awake.
    ReleaseBeforeAwake,
    /// e3: a hold that was lent is taken back in two steps.
    TakeBackInTwoSteps,
    /// e3: what came to the poller before the look whether time may jump is forgotten.
    SwallowInterrupt,
    /// e3: time jumps after the lock under which it was looked whether it may.
    JumpUnlocked,
    /// e3: who begins to work does not let a jump under way be over.
    WakeIntoJump,
    /// e3: the next deadline is looked at before whether all is quiet.
    NextBeforeQuiet,
    /// e3: an advance begins, and who waits in the poller is not told.
    AdvanceWithoutLook,
    /// Registry: a death does not wait for a reader of its slot.
    RemoveIgnoresReader,
    /// Registry: the closer does not sum the births again.
    CloseOnFirstSum,
    /// Registry: a birth is counted before its slot is filled.
    CountBeforeInsert,
    /// Registry: the closed bit is looked at outside the lock under which a foreign birth happens.
    InsertUnlocked,
    /// Registry: a birth does not publish what is born.
    InsertUnpublished,
}
