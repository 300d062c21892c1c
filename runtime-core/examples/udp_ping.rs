//! Packets there and back over UDP. One in three gets lost on its way, and is sent again.

use std::io;
use std::time::Duration;

use asyncio::net::UdpSocket;
use asyncio::{create_task, wait_for};

/// Answers packets, but only two of three.
async fn answer(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 64];
    for number in 1.. {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        if number % 3 != 0 {
            socket.send_to(&buffer[..length], from).await?;
        }
    }
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:0").await?;
    let address = server.local_addr()?;
    let answering = create_task(answer(server));

    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(address).await?;
    let (mut sent, mut buffer) = (0, [0; 64]);
    for number in 1..=4 {
        let ping = format!("ping {number}");
        loop {
            socket.send(ping.as_bytes()).await?;
            sent += 1;
            let pong = socket.recv(&mut buffer);
            match wait_for(pong, Duration::from_secs(1)).await {
                Ok(length) => {
                    println!("{}", String::from_utf8_lossy(&buffer[..length?]));
                    break;
                }
                Err(_timeout) => println!("{ping} is lost"),
            }
        }
    }
    println!("{sent} packets were sent");
    answering.cancel();
    Ok(())
}
