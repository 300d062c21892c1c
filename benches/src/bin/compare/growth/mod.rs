//! How the cost of a row grows with its size and with the workers: measured, drawn, and put on a
//! page.
//!
//! The time per operation should stay the same, whatever the size. A fixed cost of a lap makes the
//! smallest size dearer; a cost that rises with the size is a defect, and is named on the page.

mod measure;

mod plot;

mod page;

use std::fs;
use std::path::Path;

use crate::cli::Options;
use crate::workload::Workload;

/// Measures the workloads, and writes `growth.md` and its pictures into `folder`.
///
/// # Errors
/// A message if a file cannot be written, or if a sample failed.
pub(crate) fn run(
    workloads: &[&'static Workload],
    options: &Options,
    folder: &str,
) -> Result<(), String> {
    let strips = measure::strips(workloads, options);
    let folder = Path::new(folder);
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        let failed = |error| format!("{}: {error}", path.display());
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(failed)?;
        fs::write(&path, text).map_err(failed)
    };
    for (subject, strips) in page::by_subject(&strips) {
        write(&page::picture(subject), plot::draw(&strips))?;
    }
    write("growth.md", page::write(&strips, options))?;
    match strips.iter().map(|strip| strip.failures).sum::<usize>() {
        0 => Ok(()),
        failures => Err(format!("{failures} samples failed")),
    }
}
