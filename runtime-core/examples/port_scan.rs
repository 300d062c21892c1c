//! Looks which ports of a machine are open, a hundred at a time.
//!
//! `port_scan localhost 1 1024`. Without arguments it looks for three listeners of its own among
//! the ports of this machine.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use asyncio::net::{TcpListener, TcpStream};
use asyncio::{get_running_loop, task_group, wait_for};
use indicatif::{ProgressBar, ProgressStyle};

/// How many ports are asked at a time.
const AT_A_TIME: usize = 100;
/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The open ones among some ports, in order.
async fn scan(address: IpAddr, ports: impl ExactSizeIterator<Item = u16>) -> Vec<u16> {
    let bar = ProgressBar::new(ports.len() as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} ports, {eta} left");
    bar.set_style(style.expect("the template is right"));
    let open = std::sync::Mutex::new(Vec::new());
    let found = std::sync::Arc::new(open);
    let outcome = task_group(async |group| {
        group.limit(AT_A_TIME);
        for port in ports {
            let (bar, found) = (bar.clone(), std::sync::Arc::clone(&found));
            group.start_soon(async move {
                let connect = TcpStream::connect((address, port));
                if let Ok(Ok(_stream)) = wait_for(connect, PATIENCE).await {
                    found.lock().unwrap().push(port);
                }
                bar.inc(1);
            });
        }
        Ok::<_, std::convert::Infallible>(())
    });
    outcome.await.expect("nothing fails");
    bar.finish_and_clear();
    let mut open = std::mem::take(&mut *found.lock().unwrap());
    open.sort_unstable();
    open
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [host, first, last] = &arguments[..] {
        let number = |text: &String| text.parse::<u16>().map_err(io::Error::other);
        let (first, last) = (number(first)?, number(last)?);
        let addresses = get_running_loop().getaddrinfo(host, first).await?;
        let address = addresses.first().ok_or(io::ErrorKind::NotFound)?.ip();
        let ports = (first..=last).collect::<Vec<_>>().into_iter();
        for port in scan(address, ports).await {
            println!("{port} is open");
        }
        return Ok(());
    }
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let ours = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()));
    let ours: Vec<u16> = ours.collect::<io::Result<_>>()?;
    // Theirs, and those around them.
    let mut ports: Vec<u16> = ours
        .iter()
        .flat_map(|&port| port.saturating_sub(50)..port)
        .collect();
    ports.extend(&ours);
    ports.sort_unstable();
    ports.dedup();
    let open = scan([127, 0, 0, 1].into(), ports.into_iter()).await;
    let found = ours.iter().filter(|&port| open.contains(port)).count();
    println!("{found} of our {} ports are open", ours.len());
    Ok(())
}
