//! The examples of streams.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use runtime_tests::watched;

use super::*;

#[test]
fn streams_do_what_they_show() {
    let lines = |name: &str| run(name).rust();
    let echoed = [
        "Send: 'Hello World!'",
        "Received: 'Hello World!'",
        "Close the connection",
    ];
    assert_eq!(lines("tcp_echo_client"), echoed);
    let served = [
        "Serving on …",
        "Received …",
        "Send …",
        "Close the connection",
    ];
    assert_eq!(without_addresses(lines("tcp_echo_server")), served);
    let headers = [
        "HTTP header> HTTP/1.0 200 OK",
        "HTTP header> Content-Type: text/plain",
        "HTTP header> X-Request: HEAD /a/page HTTP/1.0",
    ];
    assert_eq!(lines("http_headers"), headers);
    let answered = [
        "get color -> error: there is no color",
        "set color dark green -> ok",
        "get color -> ok dark green",
        "set long xxxxxxxxxxx -> error: the line is too long",
        "put -> error: set KEY VALUE, get KEY or quit",
    ];
    assert_eq!(lines("line_server"), answered);
    let chatted = [
        "100 clients in 5 rooms heard 2000 lines",
        "* the server goes home",
    ];
    assert_eq!(lines("chat_server"), chatted);
}

#[test]
fn register_socket_receives_what_was_sent() {
    let run = run("register_socket");
    assert_eq!(run.rust(), ["Received: abc"]);
    run.is_as_pythons(<[String]>::to_vec);
}

/// A server's first words, up to where they name an address.
fn without_addresses(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| {
        let words = ["Serving on", "Received", "Send"];
        let named = words.into_iter().find(|words| line.starts_with(words));
        named.map_or(line.clone(), |words| format!("{words} …"))
    });
    lines.collect()
}

/// Starts an echo server; returns it with its port.
fn echo_server(command: &mut Command) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a server");
    let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("where it serves");
    let mut digits = line.split(|letter: char| !letter.is_ascii_digit());
    let port = digits.rfind(|digits| !digits.is_empty());
    (child, output, port.expect("a port").to_owned())
}

/// Asyncio's echo programs and ours, each as the peer of the other.
#[test]
fn echo_programs_converse_with_asyncios() {
    let _built = run("tcp_echo_client");
    if !has_python() {
        return;
    }
    let python = |line: &str, port: &str| {
        let text = program_in_guide(line).expect("it is in the guide");
        let mut command = Command::new("python3");
        command.args(["-u", "-c", &text.replace("8888", port)]);
        command
    };
    watched(|| {
        let ours = &mut Command::new(example("tcp_echo_server"));
        let (mut child, mut output, port) = echo_server(ours.arg("127.0.0.1:0"));
        let theirs = printed(&mut python("async def tcp_echo_client(", &port));
        assert_eq!(lines(&theirs), run("tcp_echo_client").rust());
        let served = three_lines(&mut output);
        child.kill().expect("it serves for ever");
        child.wait().expect("it has ended");

        let theirs = &mut python("async def handle_echo(", "0");
        let (mut child, mut output, port) = echo_server(theirs);
        let ours = &mut Command::new(example("tcp_echo_client"));
        let ours = printed(ours.arg(format!("127.0.0.1:{port}")));
        assert_eq!(lines(&ours), run("tcp_echo_client").rust());
        assert_eq!(three_lines(&mut output), served);
        child.kill().expect("it serves for ever");
        child.wait().expect("it has ended");
    });
}

/// What a server says of one client, without its address.
fn three_lines(output: &mut BufReader<ChildStdout>) -> Vec<String> {
    let lines = output.lines().take(3).map_while(Result::ok);
    without_addresses(&lines.collect::<Vec<_>>())
}
