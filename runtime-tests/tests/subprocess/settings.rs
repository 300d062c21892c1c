//! How a child can be started, and what it gets.

use std::io;

use asyncio::subprocess::quote;

use super::*;

#[asyncio::test(workers = 2)]
async fn a_program_that_cannot_be_run_is_an_error() {
    let missing = create_subprocess_exec("/no/such/program")
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let not_executable = create_subprocess_exec("/etc/passwd").await.unwrap_err();
    assert_eq!(not_executable.kind(), io::ErrorKind::PermissionDenied);
    let too_big = create_subprocess_exec("true").arg("x".repeat(4 << 20));
    assert_eq!(
        too_big.await.unwrap_err().kind(),
        io::ErrorKind::ArgumentListTooLong
    );
    let nul = create_subprocess_exec("echo")
        .arg("a\0b")
        .await
        .unwrap_err();
    assert_eq!(nul.kind(), io::ErrorKind::InvalidInput);
}

#[asyncio::test(workers = 2)]
async fn arguments_do_not_pass_through_a_shell() {
    let hostile = [
        "$(touch /tmp/asyncio-hostile)",
        "`id`",
        "a b",
        "*",
        "",
        ";exit 1",
    ];
    let command = create_subprocess_exec("printf").arg("%s\n").args(hostile);
    let expected: String = hostile.iter().map(|word| format!("{word}\n")).collect();
    assert_eq!(output_of(command).await, expected);
}

#[asyncio::test(workers = 2)]
async fn what_is_quoted_is_one_word_for_the_shell() {
    let every: String = (1..=127_u8).map(char::from).collect();
    let words = [
        "", "-n", "it's", "a\nb", "$(id)", "`id`", "\\", "\"", "!", "ü", &every,
    ];
    for word in words {
        let command = create_subprocess_shell(format!("printf %s {}", quote(word)));
        assert_eq!(output_of(command).await, word, "{word:?}");
    }
}

#[asyncio::test(workers = 2)]
async fn the_environment_and_the_directory_can_be_set() {
    let command = create_subprocess_shell("echo $COLOUR; pwd; echo $HOME");
    let command = command
        .env("COLOUR", "green")
        .env_remove("HOME")
        .current_dir("/");
    assert_eq!(output_of(command).await, "green\n/\n\n");
    let command = create_subprocess_exec("/usr/bin/env")
        .env_clear()
        .env("ONLY", "this");
    assert_eq!(output_of(command).await, "ONLY=this\n");
}

#[asyncio::test(workers = 2)]
async fn the_mask_the_group_and_the_session_can_be_set() {
    let command = create_subprocess_shell("umask").umask(0o027);
    assert_eq!(output_of(command).await.trim(), "0027");
    let group = "ps -o pgid= -p $$; ps -o sess= -p $$; echo $$";
    let words =
        |text: String| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let own_group = words(output_of(create_subprocess_shell(group).process_group(0)).await);
    assert_eq!(own_group[0], own_group[2]);
    assert_ne!(own_group[1], own_group[2]);
    let own_session =
        words(output_of(create_subprocess_shell(group).start_new_session(true)).await);
    assert_eq!(own_session[1], own_session[2]);
}

/// The descriptors that this process was given itself, and that its children get from it.
fn inherited() -> Vec<u32> {
    let is_inherited = |descriptor: &u32| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}"));
        let info = info.unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        // Without O_CLOEXEC.
        flags.is_some_and(|flags| u32::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 == 0)
    };
    let all = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok);
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(is_inherited).collect()
}

#[test]
fn a_child_inherits_nothing_that_it_was_not_given() {
    let mut given = inherited();
    // The directory that `ls` reads.
    given.push(3);
    asyncio::run(async {
        let keep = async |_reader, writer: asyncio::StreamWriter| {
            let _closed = writer.wait_closed().await;
        };
        let server = asyncio::start_server(keep, "127.0.0.1:0").await.unwrap();
        let address = server.local_addrs()[0];
        let connect = |_| asyncio::open_connection(address);
        let _open = futures::future::join_all((0..20).map(connect)).await;
        let _file = std::fs::File::open("/etc/passwd").unwrap();
        let listing = output_of(create_subprocess_exec("ls").arg("/proc/self/fd")).await;
        let mut listed = listing
            .split_whitespace()
            .map(|word| word.parse::<u32>().unwrap());
        assert!(
            listed.all(|descriptor| given.contains(&descriptor)),
            "{listing:?}"
        );
    });
}
