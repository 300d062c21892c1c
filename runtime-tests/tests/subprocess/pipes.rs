//! The pipes of a child.

use std::io::Write;

use asyncio::{DEVNULL, STDOUT};

use super::*;

#[asyncio::test(workers = 2)]
async fn streams_exist_for_pipes_only() {
    let process = create_subprocess_exec("true").stdout(PIPE).await.unwrap();
    assert!(process.stdin.is_none());
    assert!(process.stdout.is_some());
    assert!(process.stderr.is_none());
    process.wait().await.unwrap();
}

#[asyncio::test(workers = 2)]
async fn communicate_moves_sixty_four_megabytes_both_ways() {
    let input: Vec<u8> = (0..64 << 20).map(|byte: u32| (byte / 7) as u8).collect();
    let cat = create_subprocess_exec("cat").stdin(PIPE).stdout(PIPE);
    let mut cat = cat.await.unwrap();
    let (output, error) = cat.communicate(Some(&input)).await.unwrap();
    assert!(output.unwrap() == input);
    assert!(error.is_none());
    assert_eq!(cat.returncode(), Some(0));
    // Nothing is left for a second call.
    let (again, _) = cat.communicate(None).await.unwrap();
    assert_eq!(again.unwrap(), "");
}

#[asyncio::test(workers = 2)]
async fn a_child_that_does_not_read_its_input_is_no_error() {
    let command = create_subprocess_shell("exec 0<&-; echo done")
        .stdin(PIPE)
        .stdout(PIPE);
    let mut process = command.await.unwrap();
    let (output, _) = process.communicate(Some(&vec![0; 4 << 20])).await.unwrap();
    assert_eq!(output.unwrap(), "done\n");
}

#[asyncio::test(workers = 2)]
async fn both_outputs_are_read_at_the_same_time() {
    let script = "head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero; echo end >&2";
    let command = create_subprocess_shell(script).stdout(PIPE).stderr(PIPE);
    let mut process = command.await.unwrap();
    let (output, error) = process.communicate(None).await.unwrap();
    assert_eq!(output.unwrap().len(), 1_000_000);
    assert_eq!(error.unwrap().len(), 1_000_004);
}

#[asyncio::test(workers = 2)]
async fn the_standard_error_may_go_where_the_output_goes() {
    let command = create_subprocess_shell("echo out; echo err >&2; echo out").stderr(STDOUT);
    assert_eq!(output_of(command).await, "out\nerr\nout\n");
}

#[asyncio::test(workers = 2)]
async fn nothing_comes_from_the_null_device() {
    let command = create_subprocess_shell("cat; echo lost >&2; echo end");
    assert_eq!(
        output_of(command.stdin(DEVNULL).stderr(DEVNULL)).await,
        "end\n"
    );
}

#[asyncio::test(workers = 2)]
async fn any_descriptor_may_be_a_standard_stream() {
    let path = std::env::temp_dir().join(format!("asyncio-stdin-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"from a file").unwrap();
    let file = std::fs::File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        output_of(create_subprocess_exec("cat").stdin(file)).await,
        "from a file"
    );
}

#[asyncio::test(workers = 2)]
async fn a_conversation_goes_line_by_line() {
    let command = create_subprocess_shell("while read line; do echo \"got $line\"; done");
    let mut process = command.stdin(PIPE).stdout(PIPE).await.unwrap();
    let stdin = process.stdin.take().unwrap();
    let stdout = process.stdout.as_mut().unwrap();
    for word in ["one", "two", "three"] {
        stdin.write(format!("{word}\n").as_bytes());
        stdin.drain().await.unwrap();
        assert_eq!(stdout.readline().await.unwrap(), format!("got {word}\n"));
    }
    stdin.close();
    stdin.wait_closed().await.unwrap();
    assert_eq!(process.wait().await.unwrap(), 0);
}

#[asyncio::test(workers = 2)]
async fn a_broken_pipe_is_seen_by_drain() {
    let mut process = create_subprocess_exec("true").stdin(PIPE).await.unwrap();
    let stdin = process.stdin.take().unwrap();
    process.wait().await.unwrap();
    // Until it runs its program, a child of another test has a copy of the other end.
    let broken = async {
        loop {
            stdin.write(b"late");
            if stdin.drain().await.is_err() {
                break;
            }
            asyncio::sleep(TICK).await;
        }
    };
    wait_for(broken, PATIENCE)
        .await
        .expect("the pipe is broken");
}

#[asyncio::test(workers = 2)]
async fn a_line_over_the_limit_is_an_error() {
    let command = create_subprocess_shell("echo 123456789; echo short").limit(4);
    let mut process = command.stdout(PIPE).await.unwrap();
    let stdout = process.stdout.as_mut().unwrap();
    let error = stdout.readline().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    process.wait().await.unwrap();
}
