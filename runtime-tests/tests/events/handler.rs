//! Tests of the exception handler: TF-6, TF-11, LH-3, LH-4, and difference 20.

use std::panic::panic_any;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use asyncio::{EventLoop, ExceptionContext, PanicError, create_task, get_running_loop, task};
use runtime_tests::{Flag, from_many_threads, on_drop, on_workers, until};

use super::{WHO, drained};

type Notes = Arc<Mutex<Vec<String>>>;

/// Sets a handler that records every context as the default handler would print it.
fn noting(event_loop: &EventLoop) -> Notes {
    let notes = Notes::default();
    let noted = Arc::clone(&notes);
    event_loop.set_exception_handler(move |_, context| {
        noted.lock().unwrap().push(context.to_string());
    });
    notes
}

fn texts(context: &ExceptionContext) -> Option<String> {
    context.exception()?.downcast_ref::<PanicError>()?.message()
}

// TF-6, LH-4
#[test]
fn a_panic_in_a_callback_is_handled_and_the_others_still_run() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let (handled, ran) = (Flag::default(), Flag::default());
        let (handle, run, own) = (handled.clone(), ran.clone(), event_loop.clone());
        event_loop.set_exception_handler(move |event_loop, context| {
            assert_eq!(*event_loop, own);
            assert_eq!(context.message(), "Exception in callback");
            assert_eq!(texts(context).as_deref(), Some("oh no"));
            assert!(context.task().is_none());
            let place = context.handle().unwrap().location().file();
            assert!(place.ends_with("handler.rs"), "{place}");
            handle.set();
        });
        event_loop.call_soon(|| panic!("oh no"));
        event_loop.call_soon(move || run.set());
        drained(&event_loop).await;
        assert!(handled.is_set() && ran.is_set());
        event_loop.reset_exception_handler();
    });
}

// TF-6
#[test]
fn a_panic_in_a_done_callback_spares_the_next_one() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let notes = noting(&event_loop);
        let ran = Flag::default();
        let run = ran.clone();
        let task = create_task(async {});
        task.add_done_callback(|_| panic!("first"));
        task.add_done_callback(move |_| run.set());
        until(|| ran.is_set()).await;
        let notes = notes.lock().unwrap();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("Exception in callback: registered at "));
        assert!(notes[0].ends_with(": first"), "{}", notes[0]);
    });
}

// TF-11
#[test]
fn a_panic_that_nobody_retrieved_is_handled_with_its_task() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let seen = Arc::new(Mutex::new(None));
        let see = Arc::clone(&seen);
        event_loop.set_exception_handler(move |_, context| {
            assert_eq!(context.message(), "Task exception was never retrieved");
            let panic = texts(context);
            *see.lock().unwrap() = Some((context.task().unwrap().clone(), panic));
        });
        let builder = task::Builder::new().name("lost");
        drop(builder.create_task(async { panic!("unseen") }));
        until(|| seen.lock().unwrap().is_some()).await;
        let (task, panic) = seen.lock().unwrap().take().unwrap();
        assert_eq!(task.get_name(), "lost");
        assert_eq!(panic.as_deref(), Some("unseen"));
        task.wait().await;
        assert!(!task.cancelled());
    });
}

// Difference 20
#[test]
fn an_error_that_nobody_retrieved_is_a_value() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let notes = noting(&event_loop);
        let task = create_task(async { Err::<(), _>("only a value") });
        let handle = task.handle();
        drop(task);
        handle.wait().await;
        drained(&event_loop).await;
        assert_eq!(*notes.lock().unwrap(), [""; 0]);
    });
}

// LH-3
#[test]
fn a_handler_that_panics_leaves_it_to_the_default_one() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        event_loop.set_exception_handler(|_, _| panic!("the handler itself"));
        event_loop.call_soon(|| panic!("a callback"));
        drained(&event_loop).await;
        event_loop.call_exception_handler(ExceptionContext::new("nothing to worry about"));
        let notes = noting(&event_loop);
        event_loop.call_exception_handler(ExceptionContext::new("well"));
        assert_eq!(*notes.lock().unwrap(), ["well"]);
        event_loop.reset_exception_handler();
        let context = ExceptionContext::new("to standard error");
        event_loop.call_exception_handler(&context);
        assert_eq!(notes.lock().unwrap().len(), 1);
    });
}

#[test]
fn a_handler_may_replace_itself_and_its_destructor_may_set_another() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let (dropped, again) = (Flag::default(), event_loop.clone());
        let flag = dropped.clone();
        let last = on_drop(move || {
            flag.set();
            noting(&again);
        });
        event_loop.set_exception_handler(move |event_loop, _| {
            let _last = &last;
            event_loop.reset_exception_handler();
        });
        event_loop.call_exception_handler(ExceptionContext::new("well"));
        assert!(dropped.is_set());
    });
}

// TF-15
#[test]
fn the_handler_runs_in_the_context_of_what_failed() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let see = Arc::clone(&seen);
        event_loop.set_exception_handler(move |_, _| see.lock().unwrap().push(WHO.get()));
        let _token = WHO.set("registrar");
        event_loop.call_soon(|| {
            let _token = WHO.set("callback");
            panic!("in the callback")
        });
        drained(&event_loop).await;
        drop(create_task(async {
            let _token = WHO.set("task");
            panic!("in the task")
        }));
        until(|| seen.lock().unwrap().len() == 2).await;
        assert_eq!(*seen.lock().unwrap(), ["callback", "task"]);
    });
}

#[test]
fn not_even_a_payload_whose_destructor_panics_stops_the_callback_queue() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let notes = noting(&event_loop);
        event_loop.call_soon(|| panic_any(on_drop(|| panic!("once more"))));
        drained(&event_loop).await;
        let notes = notes.lock().unwrap();
        assert!(
            notes[0].ends_with(": a panic that is no text"),
            "{}",
            notes[0]
        );
    });
}

#[test]
fn a_context_says_what_it_knows() {
    let error = std::io::Error::other("no more tickets");
    let context = ExceptionContext::new(format!("{} left", 0)).with_exception(error);
    assert_eq!(context.message(), "0 left");
    assert_eq!(context.exception().unwrap().to_string(), "no more tickets");
    assert!(context.task().is_none() && context.handle().is_none());
    assert_eq!(context.to_string(), "0 left: no more tickets");
    on_workers(1, async {
        let task = create_task(async {});
        let context = ExceptionContext::new("lost").with_task(task.handle());
        assert_eq!(context.task(), Some(&task.handle()));
        assert!(context.to_string().contains(&task.get_name()));
    });
}

#[test]
fn many_threads_may_panic_at_once() {
    from_many_threads(async |event_loop| {
        let (sender, receiver) = channel::<()>();
        event_loop.set_exception_handler(|_, _| ());
        let handle = event_loop.call_soon(move || {
            let _sender = sender;
            std::panic::resume_unwind(Box::new("without the panic hook"))
        });
        drained(event_loop).await;
        assert!(receiver.recv().is_err() && !handle.cancelled());
    });
}
