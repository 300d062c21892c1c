//! A crawler: a task group reads pages, at most six at a time. The pages that are found go through
//! a queue, and the crawl is over when each page of the queue has been read. A progress bar shows
//! how far it is. The pages are served by a thread of this program.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use asyncio::{Queue, TaskGroup, task_group, to_thread};
use indicatif::{ProgressBar, ProgressStyle};

/// How many children of the group run at a time: six readers, and the one that starts them.
const AT_A_TIME: usize = 6 + 1;
/// How many pages the site has.
const PAGES: usize = 40;

/// What the readers share.
struct Crawl {
    site: SocketAddr,
    /// The pages that have been found and not been read.
    found: Queue<String>,
    known: Mutex<HashSet<String>>,
    /// How many bytes have been read, and which links lead nowhere.
    outcome: Mutex<(usize, Vec<String>)>,
    bar: ProgressBar,
}

impl Crawl {
    /// Puts a page into the queue that has not been there.
    fn find(&self, page: String) {
        let is_new = lock(&self.known).insert(page.clone());
        if is_new && self.found.put_nowait(page).is_ok() {
            self.bar.inc_length(1);
        }
    }

    /// Reads one page, and finds what it links to.
    async fn read(&self, page: String) -> io::Result<()> {
        let (site, path) = (self.site, page.clone());
        let text = to_thread(move || fetch(site, &path)).await;
        match text.map_err(io::Error::other)?? {
            Some(text) => {
                lock(&self.outcome).0 += text.len();
                for link in text.lines().filter_map(|line| line.strip_prefix("see ")) {
                    self.find(link.to_owned());
                }
            }
            None => lock(&self.outcome).1.push(page),
        }
        self.bar.inc(1);
        self.found.task_done().map_err(io::Error::other)
    }
}

/// Starts a child of the group for each page that is found.
async fn start_readers(crawl: Arc<Crawl>, group: TaskGroup<io::Error>) -> io::Result<()> {
    while let Ok(page) = crawl.found.get().await {
        let crawl = Arc::clone(&crawl);
        group.create_task(async move { crawl.read(page).await });
    }
    Ok(())
}

#[asyncio::main]
async fn main() {
    let site = serve().expect("a port is free");
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} pages");
    let bar = ProgressBar::new(0).with_style(style.expect("a template"));
    let crawl = Arc::new(Crawl {
        site,
        found: Queue::new(0),
        known: Mutex::default(),
        outcome: Mutex::default(),
        bar,
    });
    crawl.find("/0".to_owned());

    let crawled = task_group(async |tg| {
        tg.limit(AT_A_TIME);
        tg.create_task(start_readers(Arc::clone(&crawl), tg.clone()));
        // Each page of the queue has been read, and has led to no other.
        crawl.found.join().await;
        crawl.found.shutdown(false);
        Ok(())
    });
    crawled.await.expect("every page can be asked for");

    crawl.bar.finish_and_clear();
    let known = lock(&crawl.known).len();
    let (bytes, mut missing) = std::mem::take(&mut *lock(&crawl.outcome));
    missing.sort();
    println!("{known} pages, {bytes} bytes");
    println!("not found: {}", missing.join(", "));
}

/// Asks for a page by HTTP. `None` if there is no such page.
fn fetch(site: SocketAddr, path: &str) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect(site)?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let found = answer.starts_with("HTTP/1.0 200 ");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    Ok(body.filter(|_| found).map(str::to_owned))
}

/// Serves a site on a thread, and returns its address. Page `n` leads to `2n + 1` and `2n + 2`, as
/// in a tree; some pages at the end are missing.
fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let site = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A visitor who has gone away misses nothing.
            let _answered = stream.and_then(answer);
        }
    });
    Ok(site)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let page = path.trim_start_matches('/').parse::<usize>();
    match page.ok().filter(|page| *page < PAGES) {
        Some(page) => {
            let (left, right) = (2 * page + 1, 2 * page + 2);
            let body = format!("This is page {page}.\nsee /{left}\nsee /{right}\n");
            // No page links to more than three that are missing.
            let body = if left < PAGES + 3 {
                body
            } else {
                "The end.\n".to_owned()
            };
            write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}")
        }
        None => write!(stream, "HTTP/1.0 404 Not Found\r\n\r\n"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
