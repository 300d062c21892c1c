//! Looks for a text in many files, each on a thread of the pool, and shows how far it is.
//!
//! `grep_many TEXT PATH…` looks in these files and folders. Without arguments it looks for the
//! function `to_thread` in the sources of this package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use asyncio::{task_group, to_thread};
use indicatif::{ProgressBar, ProgressStyle};

/// How many files are read at a time.
const AT_A_TIME: usize = 16;

/// The lines of a file that have the text, each with its number.
fn grep(path: &Path, text: &str) -> io::Result<Vec<String>> {
    let content = fs::read(path)?;
    let content = String::from_utf8_lossy(&content);
    let lines = content.lines().enumerate();
    let found = lines.filter(|(_, line)| line.contains(text));
    let found = found.map(|(index, line)| format!("{}:{}: {line}", path.display(), index + 1));
    Ok(found.collect())
}

/// The files in a folder and in those within it, or the file itself.
fn files(path: PathBuf, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if fs::symlink_metadata(&path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            files(entry?.path(), found)?;
        }
    } else {
        found.push(path);
    }
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let text = arguments.next();
    let mut paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if text.is_none() {
        std::env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
        paths.push("src".into());
    }
    let text = Arc::new(text.unwrap_or("pub fn to_thread".to_owned()));

    let look = move || {
        let mut found = Vec::new();
        let all = paths
            .into_iter()
            .try_for_each(|path| files(path, &mut found));
        all.map(|()| found)
    };
    let files = to_thread(look).await.map_err(io::Error::other)??;
    let count = files.len();

    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} files");
    let bar = ProgressBar::new(count as u64).with_style(style.expect("a template"));
    let found = Arc::new(Mutex::new(Vec::new()));
    let searched = task_group(async |group| {
        group.limit(AT_A_TIME);
        for path in files {
            let (text, bar, found) = (Arc::clone(&text), bar.clone(), Arc::clone(&found));
            group.create_task(async move {
                let lines = to_thread(move || grep(&path, &text)).await;
                let lines = lines.map_err(io::Error::other)??;
                found
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(lines);
                bar.inc(1);
                Ok::<_, io::Error>(())
            });
        }
        Ok(())
    });
    searched.await.map_err(io::Error::other)?;
    bar.finish_and_clear();

    let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    found.sort();
    for line in &found {
        println!("{line}");
    }
    println!("{} found in {count} files", found.len());
    Ok(())
}
