//! The paths that `docs/names.md` says are here, each beside an expression that uses it.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use asyncio::streams::rustls::ClientConfig;
use asyncio::{Condition, EventLoop, ExceptionContext, LockGuard, StreamReader, StreamWriter};

const ZERO: Duration = Duration::ZERO;

async fn handle(_reader: StreamReader, _writer: StreamWriter) {}

/// Makes a list of the paths, each with the text of its expression; which has to compile.
macro_rules! paths {
    ($($path:literal => $use:expr;)*) => {
        pub(crate) const PATHS: &[(&str, &str)] = &[$(($path, stringify!($use))),*];

        #[expect(dead_code, reason = "it has to compile, and is not called")]
        fn uses() {
            $(let _unused = $use;)*
        }
    };
}

paths! {
    "asyncio::run" => asyncio::run::<Ready<()>>;
    "asyncio::Runner" => size_of::<asyncio::Runner>;
    "asyncio::Runner::run" => asyncio::Runner::run::<Ready<()>>;
    "asyncio::Runner::close" => asyncio::Runner::close;
    "asyncio::Runner::get_loop" => asyncio::Runner::get_loop;
    "asyncio::get_running_loop" => asyncio::get_running_loop;
    "asyncio::try_get_running_loop" => asyncio::try_get_running_loop;
    "asyncio::EventLoop::set_default" => asyncio::EventLoop::set_default;
    "asyncio::EventLoop" => size_of::<asyncio::EventLoop>;
    "asyncio::create_task" => asyncio::create_task::<Ready<()>>;
    "asyncio::Task" => size_of::<asyncio::Task<u8>>;
    "asyncio::Task::done" => asyncio::Task::<u8>::done;
    "asyncio::Task::result" => asyncio::Task::<u8>::result;
    "asyncio::Task::add_done_callback" => |t: &asyncio::Task<u8>| t.add_done_callback(|_| ());
    "asyncio::Task::remove_done_callback" => asyncio::Task::<u8>::remove_done_callback;
    "asyncio::Task::get_name" => asyncio::Task::<u8>::get_name;
    "asyncio::Task::set_name" => |t: &asyncio::Task<u8>| t.set_name("name");
    "asyncio::Task::get_context" => asyncio::Task::<u8>::get_context;
    "asyncio::Task::location" => asyncio::Task::<u8>::location;
    "asyncio::Task::cancel" => asyncio::Task::<u8>::cancel;
    "asyncio::Task::cancelled" => asyncio::Task::<u8>::cancelled;
    "asyncio::Task::cancelling" => asyncio::Task::<u8>::cancelling;
    "asyncio::Task::uncancel" => asyncio::Task::<u8>::uncancel;
    "asyncio::task_group" => || asyncio::task_group(async |_| Ok::<_, ()>(()));
    "asyncio::TaskGroup::create_task" =>
        asyncio::TaskGroup::<()>::create_task::<Ready<Result<u8, ()>>, u8>;
    "asyncio::sleep" => asyncio::sleep;
    "asyncio::gather" => || asyncio::gather((ready(1), ready(2)));
    "asyncio::tasks::Builder::eager_start" => asyncio::tasks::Builder::eager_start;
    "asyncio::shield" => |t: asyncio::Task<u8>| asyncio::shield(t);
    "asyncio::timeout" => || asyncio::timeout(ZERO, async |_| ());
    "asyncio::timeout_at" => |i: Instant| asyncio::timeout_at(i, async |_| ());
    "asyncio::Timeout" => size_of::<asyncio::Timeout>;
    "asyncio::Timeout::when" => asyncio::Timeout::when;
    "asyncio::Timeout::reschedule" => asyncio::Timeout::reschedule;
    "asyncio::Timeout::expired" => asyncio::Timeout::expired;
    "asyncio::wait_for" => || asyncio::wait_for(ready(1), ZERO);
    "asyncio::wait" => |t: Vec<asyncio::Task<u8>>| asyncio::wait(t);
    "asyncio::FIRST_COMPLETED" => asyncio::FIRST_COMPLETED;
    "asyncio::FIRST_EXCEPTION" => asyncio::FIRST_EXCEPTION;
    "asyncio::ALL_COMPLETED" => asyncio::ALL_COMPLETED;
    "asyncio::as_completed" => |t: Vec<asyncio::Task<u8>>| asyncio::as_completed(t);
    "asyncio::to_thread" => || asyncio::to_thread(|| 1);
    "asyncio::run_coroutine_threadsafe" => asyncio::run_coroutine_threadsafe::<Ready<()>>;
    "asyncio::current_task" => asyncio::current_task;
    "asyncio::all_tasks" => asyncio::all_tasks;
    "asyncio::ensure_future" => asyncio::ensure_future::<Ready<()>>;
    "asyncio::Future" => size_of::<asyncio::Future<u8>>;
    "asyncio::Future::result" => asyncio::Future::<u8>::result;
    "asyncio::Future::set_result" => asyncio::Future::<u8>::set_result;
    "asyncio::Future::set_exception" => asyncio::Future::<Result<u8, ()>>::set_exception;
    "asyncio::Future::exception" => asyncio::Future::<Result<u8, ()>>::exception;
    "asyncio::Future::done" => asyncio::Future::<u8>::done;
    "asyncio::Future::cancelled" => asyncio::Future::<u8>::cancelled;
    "asyncio::Future::add_done_callback" => |f: &asyncio::Future<u8>| f.add_done_callback(|_| ());
    "asyncio::Future::remove_done_callback" => asyncio::Future::<u8>::remove_done_callback;
    "asyncio::Future::cancel" => asyncio::Future::<u8>::cancel;
    "asyncio::Future::get_loop" => asyncio::Future::<u8>::get_loop;
    "asyncio::open_connection" => || asyncio::open_connection("host:1");
    "asyncio::open_unix_connection" => || asyncio::open_unix_connection("path");
    "asyncio::start_server" => || asyncio::start_server(handle, "host:1");
    "asyncio::start_unix_server" => || asyncio::start_unix_server(handle, "path");
    "asyncio::StreamReader" => size_of::<asyncio::StreamReader>;
    "asyncio::StreamReader::read" => asyncio::StreamReader::read;
    "asyncio::StreamReader::readline" => asyncio::StreamReader::readline;
    "asyncio::StreamReader::readexactly" => asyncio::StreamReader::readexactly;
    "asyncio::StreamReader::readuntil" => asyncio::StreamReader::readuntil::<&[u8]>;
    "asyncio::StreamReader::at_eof" => asyncio::StreamReader::at_eof;
    "asyncio::StreamReader::lines" => asyncio::StreamReader::lines;
    "asyncio::StreamWriter" => size_of::<asyncio::StreamWriter>;
    "asyncio::StreamWriter::write" => asyncio::StreamWriter::write;
    "asyncio::StreamWriter::writelines" => |w: &StreamWriter| w.writelines(["a"]);
    "asyncio::StreamWriter::write_eof" => asyncio::StreamWriter::write_eof;
    "asyncio::StreamWriter::can_write_eof" => asyncio::StreamWriter::can_write_eof;
    "asyncio::StreamWriter::drain" => asyncio::StreamWriter::drain;
    "asyncio::StreamWriter::close" => asyncio::StreamWriter::close;
    "asyncio::StreamWriter::is_closing" => asyncio::StreamWriter::is_closing;
    "asyncio::StreamWriter::wait_closed" => asyncio::StreamWriter::wait_closed;
    "asyncio::StreamWriter::peer_addr" => asyncio::StreamWriter::peer_addr;
    "asyncio::StreamWriter::start_tls" =>
        |w: &StreamWriter, c: Arc<ClientConfig>| w.start_tls(c, "host");
    "asyncio::StreamWriter::abort" => asyncio::StreamWriter::abort;
    "asyncio::Server" => size_of::<asyncio::Server>;
    "asyncio::Server::close" => asyncio::Server::close;
    "asyncio::Server::close_clients" => asyncio::Server::close_clients;
    "asyncio::Server::abort_clients" => asyncio::Server::abort_clients;
    "asyncio::Server::start_serving" => asyncio::Server::start_serving;
    "asyncio::Server::serve_forever" => asyncio::Server::serve_forever;
    "asyncio::Server::is_serving" => asyncio::Server::is_serving;
    "asyncio::Server::wait_closed" => asyncio::Server::wait_closed;
    "asyncio::Server::local_addrs" => asyncio::Server::local_addrs;
    "asyncio::Lock" => size_of::<asyncio::Lock<u8>>;
    "asyncio::Lock::acquire" => asyncio::Lock::<u8>::acquire;
    "asyncio::LockGuard" => size_of::<asyncio::LockGuard<'static, u8>>;
    "asyncio::Lock::locked" => asyncio::Lock::<u8>::locked;
    "asyncio::Event" => size_of::<asyncio::Event>;
    "asyncio::Event::wait" => asyncio::Event::wait;
    "asyncio::Event::set" => asyncio::Event::set;
    "asyncio::Event::clear" => asyncio::Event::clear;
    "asyncio::Event::is_set" => asyncio::Event::is_set;
    "asyncio::Condition" => size_of::<asyncio::Condition>;
    "asyncio::Condition::notify" => asyncio::Condition::notify;
    "asyncio::Condition::notify_all" => asyncio::Condition::notify_all;
    "asyncio::Condition::wait" => asyncio::Condition::wait::<asyncio::LockGuard<'static, u8>>;
    "asyncio::Condition::wait_for" =>
        |c: &Condition, g: LockGuard<'static, u8>| drop(c.wait_for(g, |n| *n > 0));
    "asyncio::Semaphore" => size_of::<asyncio::Semaphore>;
    "asyncio::Semaphore::acquire" => asyncio::Semaphore::acquire;
    "asyncio::Semaphore::release" => asyncio::Semaphore::release;
    "asyncio::Semaphore::locked" => asyncio::Semaphore::locked;
    "asyncio::BoundedSemaphore::acquire" => asyncio::BoundedSemaphore::acquire;
    "asyncio::BoundedSemaphore::locked" => asyncio::BoundedSemaphore::locked;
    "asyncio::BoundedSemaphore" => size_of::<asyncio::BoundedSemaphore>;
    "asyncio::BoundedSemaphore::release" => asyncio::BoundedSemaphore::release;
    "asyncio::Barrier" => size_of::<asyncio::Barrier>;
    "asyncio::Barrier::wait" => asyncio::Barrier::wait;
    "asyncio::Barrier::reset" => asyncio::Barrier::reset;
    "asyncio::Barrier::abort" => asyncio::Barrier::abort;
    "asyncio::Barrier::parties" => asyncio::Barrier::parties;
    "asyncio::Barrier::n_waiting" => asyncio::Barrier::n_waiting;
    "asyncio::Barrier::broken" => asyncio::Barrier::broken;
    "asyncio::BrokenBarrierError" => size_of::<asyncio::BrokenBarrierError>;
    "asyncio::Queue" => size_of::<asyncio::Queue<u8>>;
    "asyncio::Queue::maxsize" => asyncio::Queue::<u8>::maxsize;
    "asyncio::Queue::empty" => asyncio::Queue::<u8>::empty;
    "asyncio::Queue::full" => asyncio::Queue::<u8>::full;
    "asyncio::Queue::get" => asyncio::Queue::<u8>::get;
    "asyncio::Queue::get_nowait" => asyncio::Queue::<u8>::get_nowait;
    "asyncio::Queue::join" => asyncio::Queue::<u8>::join;
    "asyncio::Queue::put" => asyncio::Queue::<u8>::put;
    "asyncio::Queue::put_nowait" => asyncio::Queue::<u8>::put_nowait;
    "asyncio::Queue::qsize" => asyncio::Queue::<u8>::qsize;
    "asyncio::Queue::shutdown" => asyncio::Queue::<u8>::shutdown;
    "asyncio::Queue::task_done" => asyncio::Queue::<u8>::task_done;
    "asyncio::PriorityQueue" => size_of::<asyncio::PriorityQueue<u8>>;
    "asyncio::LifoQueue" => size_of::<asyncio::LifoQueue<u8>>;
    "asyncio::GetError::Empty" => asyncio::GetError::Empty;
    "asyncio::PutError::Full" => asyncio::PutError::<u8>::Full;
    "asyncio::QueueShutDown" => size_of::<asyncio::QueueShutDown<u8>>;
    "asyncio::create_subprocess_exec" => || asyncio::create_subprocess_exec("true");
    "asyncio::create_subprocess_shell" => || asyncio::create_subprocess_shell("true");
    "asyncio::PIPE" => asyncio::PIPE;
    "asyncio::STDOUT" => asyncio::STDOUT;
    "asyncio::DEVNULL" => asyncio::DEVNULL;
    "asyncio::Process" => size_of::<asyncio::Process>;
    "asyncio::Process::wait" => asyncio::Process::wait;
    "asyncio::Process::communicate" => asyncio::Process::communicate;
    "asyncio::Process::send_signal" => asyncio::Process::send_signal;
    "asyncio::Process::terminate" => asyncio::Process::terminate;
    "asyncio::Process::kill" => asyncio::Process::kill;
    "asyncio::Process::stdin" => |p: asyncio::Process| p.stdin.is_some();
    "asyncio::Process::stdout" => |p: asyncio::Process| p.stdout.is_some();
    "asyncio::Process::stderr" => |p: asyncio::Process| p.stderr.is_some();
    "asyncio::Process::pid" => asyncio::Process::pid;
    "asyncio::Process::returncode" => asyncio::Process::returncode;
    "asyncio::TimeoutError" => size_of::<asyncio::TimeoutError>;
    "asyncio::CancelledError" => size_of::<asyncio::CancelledError>;
    "asyncio::InvalidStateError" => size_of::<asyncio::InvalidStateError>;
    "asyncio::IncompleteReadError" => size_of::<asyncio::IncompleteReadError>;
    "asyncio::LimitOverrunError" => size_of::<asyncio::LimitOverrunError>;
    "asyncio::EventLoop::sendfile" => asyncio::EventLoop::sendfile::<asyncio::net::TcpStream>;
    "asyncio::EventLoop::is_running" => asyncio::EventLoop::is_running;
    "asyncio::EventLoop::is_closed" => asyncio::EventLoop::is_closed;
    "asyncio::EventLoop::shutdown_default_executor" =>
        |l: &EventLoop| drop(l.shutdown_default_executor(None));
    "asyncio::EventLoop::call_soon" => |l: &EventLoop| l.call_soon(|| ());
    "asyncio::EventLoop::call_soon_threadsafe" => |l: &EventLoop| l.call_soon_threadsafe(|| ());
    "asyncio::EventLoop::call_later" => |l: &EventLoop| l.call_later(ZERO, || ());
    "asyncio::EventLoop::call_at" => |l: &EventLoop, i: Instant| l.call_at(i, || ());
    "asyncio::EventLoop::time" => asyncio::EventLoop::time;
    "asyncio::EventLoop::create_future" => asyncio::EventLoop::create_future::<u8>;
    "asyncio::EventLoop::create_task" => asyncio::EventLoop::create_task::<Ready<()>>;
    "asyncio::net::TcpStream::connect" => || asyncio::net::TcpStream::connect("host:1");
    "asyncio::create_datagram_endpoint" =>
        |a: SocketAddr| asyncio::create_datagram_endpoint(a, None);
    "asyncio::net::UnixStream::connect" => || asyncio::net::UnixStream::connect("path");
    "asyncio::net::TcpListener::bind" => || asyncio::net::TcpListener::bind("host:1");
    "asyncio::net::UnixListener::bind" => || asyncio::net::UnixListener::bind("path");
    "asyncio::EventLoop::add_reader" => |l: &EventLoop, f: OwnedFd| l.add_reader(f, || ());
    "asyncio::EventLoop::remove_reader" => |l: &EventLoop, f: OwnedFd| l.remove_reader(f);
    "asyncio::EventLoop::add_writer" => |l: &EventLoop, f: OwnedFd| l.add_writer(f, || ());
    "asyncio::EventLoop::remove_writer" => |l: &EventLoop, f: OwnedFd| l.remove_writer(f);
    "asyncio::net::TcpStream" => size_of::<asyncio::net::TcpStream>;
    "asyncio::EventLoop::getaddrinfo" => asyncio::EventLoop::getaddrinfo;
    "asyncio::EventLoop::getnameinfo" => asyncio::EventLoop::getnameinfo;
    "asyncio::connect_read_pipe" => |f: OwnedFd| asyncio::connect_read_pipe(f);
    "asyncio::connect_write_pipe" => |f: OwnedFd| asyncio::connect_write_pipe(f);
    "asyncio::EventLoop::add_signal_handler" => |l: &EventLoop| l.add_signal_handler(1, || ());
    "asyncio::EventLoop::remove_signal_handler" => asyncio::EventLoop::remove_signal_handler;
    "asyncio::EventLoop::run_in_executor" => |l: &EventLoop| l.run_in_executor(None, || 1);
    "asyncio::EventLoop::set_exception_handler" =>
        |l: &EventLoop| l.set_exception_handler(|_, _| ());
    "asyncio::EventLoop::default_exception_handler" =>
        asyncio::EventLoop::default_exception_handler;
    "asyncio::EventLoop::call_exception_handler" =>
        |l: &EventLoop, c: &ExceptionContext| l.call_exception_handler(c);
    "asyncio::EventLoop::get_debug" => asyncio::EventLoop::get_debug;
    "asyncio::EventLoop::set_debug" => asyncio::EventLoop::set_debug;
    "asyncio::EventLoop::slow_callback_duration" => asyncio::EventLoop::slow_callback_duration;
    "asyncio::Handle" => size_of::<asyncio::Handle>;
    "asyncio::Handle::cancel" => asyncio::Handle::cancel;
    "asyncio::Handle::cancelled" => asyncio::Handle::cancelled;
    "asyncio::TimerHandle" => size_of::<asyncio::TimerHandle>;
    "asyncio::TimerHandle::cancel" => asyncio::TimerHandle::cancel;
    "asyncio::TimerHandle::when" => asyncio::TimerHandle::when;
}
