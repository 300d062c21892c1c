//! Tests of context variables: asyncio's rule TF-15, also in nested polls.

use asyncio::{
    Context, ContextVar, Runner, checkpoint, context_var, copy_context, create_local_task,
    create_task, task,
};
use futures::channel::oneshot;
use runtime_tests::{caught, from_many_threads, on_drop, on_workers, watched};

context_var! {
    static NAME: String = "default".to_owned();
    static NUMBER: usize
}

// TF-15
#[test]
fn a_task_starts_with_a_copy_of_its_creators_context() {
    on_workers(1, async {
        let _token = NUMBER.set(1);
        let child = create_task(async {
            let inherited = NUMBER.get();
            let _token = NUMBER.set(2);
            checkpoint().await;
            (inherited, NUMBER.get())
        });
        let _token = NUMBER.set(3);
        assert_eq!(child.await.unwrap(), (1, 2));
        assert_eq!(NUMBER.get(), 3);
    });
}

// TF-15
#[test]
fn contexts_stay_apart_on_many_threads() {
    from_many_threads(async |event_loop| {
        let own = std::ptr::from_ref(&event_loop).addr();
        let _token = NUMBER.set(own);
        let children: Vec<_> = (0..4)
            .map(|delta| {
                create_task(async move {
                    assert_eq!(NUMBER.get(), own);
                    let _token = NUMBER.set(own + delta);
                    checkpoint().await;
                    assert_eq!(NUMBER.get(), own + delta);
                })
            })
            .collect();
        for child in children {
            child.await.unwrap();
        }
        assert_eq!(NUMBER.get(), own);
    });
}

// TF-15
#[test]
fn a_local_task_and_an_eager_one_inherit_as_well() {
    on_workers(1, async {
        let _token = NUMBER.set(4);
        assert_eq!(create_local_task(async { NUMBER.get() }).await.unwrap(), 4);
        let eager = task::Builder::new().eager_start(true);
        let mut task = eager.create_task(async { (NUMBER.get(), drop(NUMBER.set(5))) });
        assert_eq!(task.result().unwrap().0, 4);
        assert_eq!(NUMBER.get(), 4);
    });
}

// TF-15
#[test]
fn a_given_context_is_shared_and_not_copied() {
    on_workers(1, async {
        let shared = copy_context();
        for number in 0..3 {
            let task = task::Builder::new().context(shared.clone());
            let task = task.create_task(async move {
                let before = NUMBER.try_get();
                let _token = NUMBER.set(number);
                before
            });
            assert_eq!(task.await.unwrap(), number.checked_sub(1));
        }
        assert_eq!(NUMBER.try_get(), None);
        assert_eq!(shared.run(|| NUMBER.get()), 2);
    });
}

// TF-15
#[test]
fn a_token_resets_to_what_was_before() {
    on_workers(1, async {
        assert_eq!(NAME.get(), "default");
        let token = NAME.set("outer".to_owned());
        let inner = NAME.set("inner".to_owned());
        NAME.reset(inner);
        assert_eq!(NAME.get(), "outer");
        NAME.reset(token);
        assert_eq!(NAME.get(), "default");
    });
}

#[test]
fn a_variable_without_a_value_says_its_name() {
    on_workers(1, async {
        let line = line!() + 1;
        let found = caught(|| NUMBER.get());
        assert!(found.text.contains("NUMBER"));
        assert_eq!(found.place, Some((file!().to_owned(), line)));
    });
    let found = caught(|| NAME.set(String::new()));
    assert!(found.text.contains("no current context"), "{}", found.text);
    assert_eq!(NAME.get(), "default");
}

// TF-15
#[test]
fn a_task_made_inside_context_run_copies_that_context() {
    on_workers(1, async {
        let _token = NUMBER.set(1);
        let other = Context::new();
        let task = other.run(|| {
            let _token = NUMBER.set(2);
            create_task(async { NUMBER.get() })
        });
        assert_eq!(NUMBER.get(), 1);
        assert_eq!(task.await.unwrap(), 2);
    });
}

// TF-15
#[test]
fn a_task_made_outside_the_loop_copies_the_context_of_its_creator() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let task = Context::new().run(|| {
            let _token = NUMBER.set(6);
            event_loop.create_task(async { NUMBER.try_get() })
        });
        assert_eq!(runtime_tests::blocking_wait(task).unwrap(), Some(6));
    });
}

// TF-15
#[test]
fn an_eager_task_inside_context_run_has_its_own_context() {
    on_workers(1, async {
        let (outer, own) = (Context::new(), Context::new());
        outer.run(|| {
            let eager = task::Builder::new().eager_start(true).context(own.clone());
            let mut task = eager.create_task(async { drop(NUMBER.set(7)) });
            task.result().unwrap();
            assert_eq!(NUMBER.try_get(), None, "the creator's context is unchanged");
        });
        assert_eq!(own.run(|| NUMBER.try_get()), Some(7));
    });
}

// TF-15
#[test]
fn tasks_of_a_loop_run_inside_context_run_keep_their_contexts() {
    watched(|| {
        let outer = Context::new();
        let seen = outer.run(|| {
            let _token = NUMBER.set(8);
            asyncio::run(async {
                let task = create_local_task(async {
                    let _token = NUMBER.set(9);
                    checkpoint().await;
                });
                task.await.unwrap();
                NUMBER.try_get()
            })
        });
        assert_ne!(seen, Some(9), "the child's value must not leave the child");
        assert_eq!(outer.run(|| NUMBER.try_get()), Some(8));
    });
}

// RU-10
#[test]
fn what_one_run_sets_the_next_one_sees_and_nobody_else() {
    watched(|| {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        runner.run(async { drop(NUMBER.set(10)) });
        assert_eq!(NUMBER.try_get(), None);
        assert_eq!(runner.run(async { NUMBER.get() }), 10);
        assert_eq!(
            runner.run(async { create_task(async { NUMBER.get() }).await.unwrap() }),
            10
        );
    });
}

// TF-15
#[test]
fn a_done_callback_has_the_context_of_its_registration() {
    on_workers(1, async {
        let _token = NUMBER.set(11);
        let task = create_task(checkpoint());
        let (sender, receiver) = oneshot::channel();
        task.add_done_callback(move |_| sender.send(NUMBER.try_get()).unwrap());
        let _token = NUMBER.set(12);
        assert!(
            matches!(receiver.await.unwrap(), Some(11 | 12)),
            "CPython copies at registration"
        );
    });
}

// TF-15
#[test]
fn destructors_run_inside_the_context_of_their_task() {
    on_workers(2, async {
        let (sender, receiver) = oneshot::channel();
        let task = create_task(async move {
            let _token = NUMBER.set(13);
            let _probe = on_drop(move || sender.send(NUMBER.try_get()).unwrap());
            std::future::pending::<()>().await;
        });
        checkpoint().await;
        runtime_tests::until(|| task.get_context().run(|| NUMBER.try_get()).is_some()).await;
        task.cancel();
        assert_eq!(receiver.await.unwrap(), Some(13));
    });
}

// TF-15
#[test]
fn many_variables_keep_their_values() {
    static MANY: [ContextVar<usize>; 40] = [const { ContextVar::new("many", None) }; 40];
    on_workers(1, async {
        for round in 0..30 {
            for (number, variable) in MANY.iter().enumerate() {
                let _token = variable.set(round * 100 + number);
            }
            let child = create_task(async move {
                let is_kept = |(number, variable): (usize, &'static ContextVar<usize>)| {
                    variable.get() == round * 100 + number
                };
                MANY.iter().enumerate().all(is_kept)
            });
            assert!(child.await.unwrap());
        }
    });
}

#[test]
fn a_token_is_refused_by_another_variable_at_the_line_of_the_caller() {
    context_var! { static OTHER: usize }
    on_workers(1, async {
        let token = NUMBER.set(1);
        let (line, found) = (line!(), caught(|| OTHER.reset(token)));
        assert!(
            found.text.contains("was created by a different ContextVar"),
            "{}",
            found.text
        );
        assert_eq!(found.place, Some((file!().to_owned(), line)));
        assert_eq!((NUMBER.get(), OTHER.try_get()), (1, None));
    });
}

#[test]
fn a_token_is_refused_in_another_context_at_the_line_of_the_caller() {
    on_workers(1, async {
        let token = NUMBER.set(1);
        let child = create_task(async move {
            let (line, found) = (line!(), caught(|| NUMBER.reset(token)));
            assert_eq!(found.place, Some((file!().to_owned(), line)));
            found.text
        });
        let text = child.await.unwrap();
        assert!(
            text.contains("was created in a different Context"),
            "{text}"
        );
        let token = NUMBER.set(2);
        let text = caught(|| copy_context().run(|| NUMBER.reset(token))).text;
        assert!(
            text.contains("was created in a different Context"),
            "{text}"
        );
        // A clone of a context is the same context.
        let context = Context::new();
        let token = context.run(|| NUMBER.set(3));
        context.clone().run(|| NUMBER.reset(token));
        assert_eq!(context.run(|| NUMBER.try_get()), None);
    });
}

context_var! {
    /// For one task alone.
    #[no_inherit]
    static OWN: u32 = 0;
    static SHARED: u32 = 0
}

// TF-15: unlike in asyncio, a variable may be left out.
#[test]
fn a_variable_that_is_not_inherited_stays_with_its_task() {
    on_workers(2, async {
        drop((OWN.set(1), SHARED.set(1)));
        let child = create_task(async {
            let before = (OWN.get(), SHARED.get());
            drop(OWN.set(2));
            (before, OWN.get())
        });
        assert_eq!(child.await.unwrap(), ((0, 1), 2));
        assert_eq!((OWN.get(), SHARED.get()), (1, 1));
        // In a copy that the program makes itself, it is there.
        assert_eq!(asyncio::copy_context().run(|| OWN.get()), 1);
        let in_thread = asyncio::to_thread(|| (OWN.get(), SHARED.get()));
        assert_eq!(in_thread.await.unwrap(), (0, 1));
    });
}

#[test]
fn children_of_groups_and_callbacks_carry_what_is_inherited() {
    on_workers(2, async {
        drop((OWN.set(1), SHARED.set(7)));
        let outcome = asyncio::task_group(async |tg| {
            let child = tg.create_task(async { Ok::<_, ()>((OWN.get(), SHARED.get())) });
            Ok(child.await.unwrap())
        });
        assert_eq!(outcome.await, Ok((0, 7)));
        let (say, hear) = futures::channel::oneshot::channel();
        asyncio::get_running_loop().call_soon(move || {
            say.send((OWN.get(), SHARED.get())).unwrap();
        });
        assert_eq!(hear.await.unwrap(), (0, 7));
    });
}

#[test]
fn many_variables_some_of_which_are_not_inherited() {
    on_workers(1, async {
        for round in 0..100 {
            drop((OWN.set(round), SHARED.set(round)));
            let child = create_task(async { (OWN.get(), SHARED.get()) });
            assert_eq!(child.await.unwrap(), (0, round));
        }
    });
}
