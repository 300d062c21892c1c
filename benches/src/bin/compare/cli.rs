//! The command line.

use crate::workload::{Order, Runtime};

pub(crate) const HELP: &str = "\
Compares asyncio with other runtimes: every sample is a new process, the
runtimes take turns, and the ratio is taken within a round.

usage: compare [options]
  --rounds N         how often each runtime is sampled (default 5)
  --workload NAME    only workloads whose name contains NAME; repeatable
  --workers N        worker threads of each runtime (default 2)
  --scale S          multiplies the amount of work, e.g. 0.1 or 10 (default 1)
  --runtimes A,B     of asyncio, tokio, smol, bare, python, uvloop
                     (default: all but python and uvloop)
  --python           adds python, for the rows that have a script: the newest
                     CPython in PATH or of pyenv, or that of ASYNCIO_BENCH_PYTHON;
                     and uvloop, if that interpreter has it
  --json FILE        writes every sample, for other programs
  --markdown FILE    writes the table, as it is printed
  --growth FOLDER    instead of a table, writes growth.md and its pictures: the rows
                     at a tenth, one and ten times their size, with 1, 2 and 4
                     workers, on asyncio and tokio (default: the best of 2 rounds)
  --list             lists the workloads, and which runtimes run them
  --sample RUNTIME WORKLOAD SIZE WORKERS
                     takes one sample in this process and prints one line of
                     JSON; used for the child processes, and under a profiler";

/// The rounds of the page of growth, which has nine points for each runtime and row.
const GROWTH_ROUNDS: usize = 2;

/// What the program is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Sample(Order),
    Compare(Options),
}

/// The options of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) workers: usize,
    pub(crate) scale: f64,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) json: Option<String>,
    pub(crate) markdown: Option<String>,
    /// The folder of the page of growth, which is then written instead of the table.
    pub(crate) growth: Option<String>,
    names: Vec<String>,
}

impl Options {
    /// The same with other workers, scale and runtimes.
    pub(crate) fn at(&self, workers: usize, scale: f64, runtimes: &[Runtime]) -> Self {
        Self {
            workers,
            scale,
            runtimes: runtimes.into(),
            ..self.clone()
        }
    }

    /// Whether the options select a workload of this name.
    pub(crate) fn chooses(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part.as_str()))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            workers: 2,
            scale: 1.0,
            runtimes: Runtime::ALL
                .into_iter()
                .filter(|runtime| !runtime.is_python())
                .collect(),
            json: None,
            markdown: None,
            growth: None,
            names: Vec::new(),
        }
    }
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut arguments = Arguments(arguments);
    let mut options = Options::default();
    let mut python = false;
    let mut rounds = None;
    while let Some(flag) = arguments.0.next() {
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--list" => return Ok(Command::List),
            "--sample" => return arguments.order().map(Command::Sample),
            "--rounds" => rounds = Some(arguments.positive(&flag)?),
            "--workers" => options.workers = arguments.positive(&flag)?,
            "--scale" => options.scale = arguments.scale(&flag)?,
            "--workload" => options.names.push(arguments.value(&flag)?),
            "--runtimes" => options.runtimes = arguments.runtimes(&flag)?,
            "--python" => python = true,
            "--json" => options.json = Some(arguments.value(&flag)?),
            "--growth" => options.growth = Some(arguments.value(&flag)?),
            "--markdown" => options.markdown = Some(arguments.value(&flag)?),
            // `cargo bench` adds it for every bench that it runs.
            "--bench" => {}
            _ => return Err(format!("no such option: {flag}\n\n{HELP}")),
        }
    }
    if let Some(rounds) = rounds.or(options.growth.as_ref().map(|_| GROWTH_ROUNDS)) {
        options.rounds = rounds;
    }
    for runtime in Runtime::ALL
        .into_iter()
        .filter(|runtime| runtime.is_python())
    {
        if python && !options.runtimes.contains(&runtime) {
            options.runtimes.push(runtime);
        }
    }
    Ok(Command::Compare(options))
}

struct Arguments<I>(I);

impl<I: Iterator<Item = String>> Arguments<I> {
    fn value(&mut self, flag: &str) -> Result<String, String> {
        self.0.next().ok_or_else(|| format!("{flag} needs a value"))
    }

    fn positive(&mut self, flag: &str) -> Result<usize, String> {
        match self.value(flag)?.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{flag} needs a whole number above zero")),
        }
    }

    fn scale(&mut self, flag: &str) -> Result<f64, String> {
        match self.value(flag)?.parse() {
            Ok(scale) if scale > 0.0 && f64::is_finite(scale) => Ok(scale),
            _ => Err(format!("{flag} needs a number above zero")),
        }
    }

    fn runtimes(&mut self, flag: &str) -> Result<Vec<Runtime>, String> {
        self.value(flag)?.split(',').map(str::parse).collect()
    }

    fn order(&mut self) -> Result<Order, String> {
        Ok(Order {
            runtime: self.value("--sample")?.parse()?,
            workload: self.value("--sample")?,
            size: self.positive("--sample")?,
            workers: self.positive("--sample")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn names_are_matched_by_any_part() {
        let Ok(Command::Compare(options)) = parsed("--workload yield --workload sky") else {
            panic!("a comparison was asked for");
        };
        assert!(options.chooses("skynet"));
        assert!(!options.chooses("chained spawn"));
    }

    #[test]
    fn a_sample_takes_its_four_words() {
        let Ok(Command::Sample(order)) = parsed("--sample tokio yield 1000 2") else {
            panic!("a sample was asked for");
        };
        assert_eq!(
            (order.runtime, order.size, order.workers),
            (Runtime::Tokio, 1_000, 2)
        );
    }

    #[test]
    fn python_is_measured_only_where_it_is_asked_for() {
        let asks = |line| {
            let Ok(Command::Compare(options)) = parsed(line) else {
                panic!("a comparison was asked for");
            };
            options.runtimes.contains(&Runtime::Python)
        };
        assert!(!asks("--rounds 3"));
        assert!(asks("--python"));
        assert!(asks("--python --runtimes asyncio"));
        assert!(asks("--runtimes asyncio,python"));
    }

    #[test]
    fn a_page_of_growth_takes_fewer_rounds_unless_told() {
        let rounds = |line| {
            let Ok(Command::Compare(options)) = parsed(line) else {
                panic!("a comparison was asked for");
            };
            options.rounds
        };
        assert_eq!(rounds("--growth docs"), 2);
        assert_eq!(rounds("--rounds 7 --growth docs"), 7);
        assert_eq!(rounds(""), 5);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parsed("--rounds 0").is_err());
        assert!(parsed("--scale -1").is_err());
        assert!(parsed("--runtimes tokio,tokyo").is_err());
        assert!(parsed("--fast").is_err());
    }
}
