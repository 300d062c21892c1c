//! The mutants: steps of protocols that a model may break.

/// A protocol step that a model can leave out or do in the wrong order, to check that it finds the
/// bug. The letter and number name the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// a1: at its end a poll forgets a wake that arrived while it ran.
    ForgetWakeDuringPoll,
    /// a1: a wake of a task that is already scheduled publishes nothing.
    WakeWithoutRelease,
    /// a2: `cancel` drops the future in place instead of scheduling its task.
    CancelInPlace,
    /// a3: DONE is published without the output.
    DoneBeforeOutput,
    /// a4: the release of a reference does not acquire what other threads did with theirs.
    ReleaseRelaxed,
    /// a5: `uncancel` first decreases the count and then withdraws the request, in two steps.
    WithdrawInTwoSteps,
    /// a5: `uncancel` takes the count to zero and does not withdraw the request.
    KeepWithdrawn,
    /// a6: a thread that finds the end notifies although there is a notifier.
    NotifyBesideNotifier,
    /// a6: the notifier does not check the list again.
    NotifyOnce,
    /// a7: a claim is not noted.
    SkipAcknowledge,
    /// a8: a scope is woken for a request that was given back before it can see that.
    WakeBeforeTheWord,
    /// a9: a request is counted outside the lock of its error.
    CountUnlocked,
    /// a9: the error is not set aside when its delivery begins.
    ErrorLeft,
    /// a10: a request publishes nothing.
    RequestRelaxed,
    /// a11: dropping the handle publishes nothing.
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
    /// a13: a thread that adds an entry to the list does not check for the end afterwards.
    ListWithoutLook,
    /// a14: the shutdown's request is made although the task has had it.
    ShutdownTwice,
    /// a15: the edge is added after the request has been passed on.
    EdgeAfterRequest,
    /// a16: a request that is older than the last delivery is delivered.
    DeliverOlder,
    /// a16: a request that is newer than the last delivery is treated as part of it.
    MergeNewer,
    /// a16: the requests that a handler absorbs at its beginning are not noted as met.
    MeetTheFirst,
    /// b1: a worker that goes to sleep does not check the queues again after it counts as sleeping.
    SleepWithoutRescan,
    /// b2: the last searching worker that finds work wakes no other in its place.
    LastSearcherSilent,
    /// b3: the parker clears its token after it has read it, in a second step.
    ForgetToken,
    /// b4: a worker leaves without moving its queued tasks to the injector.
    LeaveWithoutSpill,
    /// b5: a stand-in rests although it has been recalled.
    RestUnasked,
    /// b4: a worker that leaves no longer counts as awake while it moves its tasks to the injector.
    DepartBeforeSpill,
    /// b6: a slot publishes nothing of the task that is put into it.
    SlotRelaxed,
    /// b7: the inbox sets its flag before it has the task.
    AnyBeforePush,
    /// b7: the inbox clears its flag after the lock under which the tasks were taken.
    ClearUnlocked,
    /// b7: the thread of an inbox is not woken.
    SendSilently,
    /// b8: the monitor parks without the fence before its last check.
    ParkWithoutFence,
    /// b8: a worker that wakes up checks without a fence whether the monitor is parked.
    UnparkWithoutFence,
    /// b8: a worker that comes back does not unpark the monitor.
    ArriveSilently,
    /// b8: a thread that wakes the first worker does not note that it is the first.
    ForgetFirst,
    /// b9: a worker that goes to sleep does not look at the stacks of new tasks.
    LookPastStack,
    /// b9: the end of a poll does not look at the stack.
    StackSilently,
    /// c1: the notification is sent before the push.
    NotifyBeforePush,
    /// c2: whether a completion is in time is decided outside the lock under which it happens.
    CompleteUnlocked,
    /// c2: the sleeping threads are not notified of the end.
    NotifyNoSleeper,
    /// c2: only one of the sleeping threads is notified of the end.
    NotifyOneSleeper,
    /// c2: a wait that times out does not check once more.
    GiveUpUnseen,
    /// c2: the check for the end and the adding of a callback are not under one lock.
    AddCallbackUnlocked,
    /// c3: the closed flag is checked outside the lock under which the push happens.
    PushUnlocked,
    /// g1: the group's future looks for the last child before its waker is registered.
    ExitBeforeWaker,
    /// g1: a child leaves and publishes nothing.
    LeaveRelaxed,
    /// g2: a child is added to the list without a look whether the others have been cancelled.
    AddWithoutLook,
    /// g3: a child enters a group that is over.
    EnterTheOver,
    /// g4: the cause of an abort is noted after the children have been cancelled.
    CauseAfterRequest,
    /// h1: a wake may push into a queue that has been drained.
    PushAfterDrain,
    /// h1: worker 0 is not notified that a task has left the registry.
    SkipEndNotification,
    /// h1: a task leaves the registry before it notifies of its end.
    RemoveBeforeNotify,
    /// h1: the registry does not wait for a thread that notifies after the completer.
    NotifierUncounted,
    /// h2: the shutdown wakes one worker only.
    StopWakesOne,
    /// h3: no caller gets the error if a thread cannot be started.
    SwallowRefusal,
    /// h3: a thread of the pool looks for those that wait for the end before it leaves.
    EndBeforeLeave,
    /// h3: a thread of the pool decides to leave outside the lock under which it leaves.
    LeaveUnlocked,
    /// h3: a thread of the pool leaves after its keep-alive although jobs are queued.
    LeaveWithWork,
    /// h4: a thread looks whether anybody waits for a look-up before it locks the table.
    DecideUnlocked,
    /// h4: a look-up takes the wakers of those who wait before it stores the answer.
    WakeBeforeAnswer,
    /// h3: a thread of the pool that has been woken does not end the wake-up in progress.
    WakeUpStays,
    /// d1: a thread that replaces the waker of a timer does not learn that it has fired.
    SkipFireReport,
    /// d1: a visit to a wheel ignores the timers that were cancelled while its lock was taken.
    ForgetCancelled,
    /// d2: a timer is inserted without a check how long the thread in the poller sleeps.
    ArmWithoutLook,
    /// d3: the kernel's timer is believed to be armed although its expiration has been taken.
    TrustTakenShot,
    /// d4: a wheel's next deadline is published outside its lock.
    PublishUnlocked,
    /// d5: a closed wheel accepts a timer.
    InsertClosed,
    /// e1: a worker that leaves the poller keeps the poller role.
    KeepRole,
    /// e1: the poller role is checked and taken in two steps.
    TakeInTwoSteps,
    /// e2: an unpark first decides what to wake, and leaves the token afterwards.
    UnparkInTwoSteps,
    /// e2: a worker releases the poller role before it counts as awake.
    ReleaseBeforeAwake,
    /// e3: a released hold on the clock is taken back in two steps.
    TakeBackInTwoSteps,
    /// e3: an event taken from the poller before the decision about a jump is forgotten.
    SwallowInterrupt,
    /// e3: the clock jumps outside the lock under which the jump was decided.
    JumpUnlocked,
    /// e3: a thread that begins to work does not wait for a jump in progress.
    WakeIntoJump,
    /// e3: the next deadline is read before the check that all threads are quiet.
    NextBeforeQuiet,
    /// e3: an advance begins without waking the thread that waits in the poller.
    AdvanceWithoutLook,
    /// i1: a waiter that is dropped keeps what it was granted from the next.
    KeepGrant,
    /// i1: permits are released without what was done under them.
    ReleasePermitsRelaxed,
    /// i2: a turn that is passed on goes to no other waiter.
    PassOnSilently,
    /// i2: the end of a poll takes a turn away from a waiter and does not free what it was for.
    KeepTurn,
    /// i3: permits go back into the word without what was done under them.
    PutBackRelaxed,
    /// i3: the lock of the queue takes permits out of the word without what was done under them.
    TakeOutRelaxed,
    /// i4: a waiter that goes on with its lock leaves its notification reserved.
    KeepNotification,
    /// i5: the last to arrive does not let the others go.
    LastGoesAlone,
    /// i5: the places of a group are given out once more after it has gone.
    GroupStays,
    /// i6: an event is set without a look whether somebody waits.
    SetBesideQueue,
    /// i6: whoever sets an event serves the waiters only if it is still set then.
    ServeIfStillSet,
    /// i6: an event that is set publishes nothing.
    SetRelaxed,
    /// i7: a putter that goes away keeps the slot that it was promised.
    KeepSlot,
    /// i7: a getter that goes away keeps the item that it was promised.
    KeepItem,
    /// i7: an item that has been promised counts as free.
    PromiseTwice,
    /// i8: a shutdown tells nobody.
    ShutDownSilently,
    /// i8: who takes the last item of a queue that is shut down does not tell the other getters.
    DrainSilently,
    /// i9: a cell whose value is not made keeps others from making it.
    KeepRight,
    /// i9: a value that is set is not published.
    ValueRelaxed,
    /// i10: a waiter that leaves the line does not let those behind it go.
    LeaveLineSilently,
    /// i11: the version of a watched value is read after the value, in a second step.
    VersionAfterValue,
    /// i11: a change of a watched value wakes nobody.
    ChangeSilently,
    /// i11: a watched value is copied before the lock under which it is changed.
    CopyBeforeLock,
    /// i11: the last sender of a watched value tells nobody that it goes.
    SenderGoesSilently,
    /// i13: getters are told that all is over while an item is entering.
    OverWhileEntering,
    /// i13: an item that enters a queue whose items have been dropped stays in the heap.
    StayInHeap,
    /// i14: a value that is broadcast wakes nobody.
    BroadcastSilently,
    /// i14: a receiver that begins to wait does not look for a value that has come meanwhile.
    ReceiveWithoutLook,
    /// i14: a receiver counts the values that it missed, and goes on in a second step.
    LagInTwoSteps,
    /// i14: the last sender of a broadcast tells nobody that it goes.
    LastSenderSilent,
    /// i14: a receiver that goes away gives up its values in a second step.
    UnsubscribeInTwoSteps,
    /// i15: of several permits that were granted and not taken, one goes back.
    RestoreOne,
    /// i15: permits are released by a load and a store.
    ReleaseInTwoSteps,
    /// i16: an abort sends nobody away.
    AbortSilently,
    /// i16: an abort breaks the barrier after it has sent away those who wait.
    BreakInTwoSteps,
    /// i16: a barrier that is broken turns those away as well whose group was complete.
    BreakComplete,
    /// i16: who comes after a reset is sent away by it as well.
    SendAwayLater,
    /// i17: a borrower is not looked for again when its second token is there.
    BorrowTwice,
    /// i17: a token that is refused to its borrower goes to nobody else.
    KeepRefused,
    /// i17: a token comes back before its borrower is forgotten, in two steps.
    TokenBeforeBorrower,
    /// i18: a sink that goes away keeps its slot.
    KeepSinkSlot,
    /// i18: a slot of a channel that has been closed meanwhile is filled.
    FillAfterEnd,
    /// i18: a sink that is closed stays a sender.
    CloseSinkSilently,
    /// i19: who wakes a task leaves its reference to it when the task has been scheduled.
    LeaveLate,
    /// i19: the end of a task does not release the reference that has been left to it.
    KeepReference,
    /// f1: a waiter does not look at the readiness under the lock.
    WaitWithoutLook,
    /// f1: an event takes the wakers before it changes the readiness.
    TakeBeforeEvent,
    /// f2: an event does not count as one.
    EventWithoutTick,
    /// f3: a slot that a source has left keeps its generation.
    KeepGeneration,
    /// f4: who takes events from the poller does not dispatch them.
    LeaveEvents,
    /// j1: who releases the lock looks at what was asked without a fence between.
    ServeWithoutFence,
    /// j1: who asks publishes nothing.
    AskRelaxed,
    /// j1: who finds the work done does not look again.
    ServeOnce,
    /// Registry: a removal does not wait for a reader of its slot.
    RemoveIgnoresReader,
    /// Registry: the closer does not sum the insert counters again.
    CloseOnFirstSum,
    /// Registry: an insert is counted before its slot is filled.
    CountBeforeInsert,
    /// Registry: the closed flag is checked outside the lock under which a foreign insert happens.
    InsertUnlocked,
    /// Registry: an insert does not publish the inserted value.
    InsertUnpublished,
}
