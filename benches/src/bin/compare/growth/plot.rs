//! Draws strips of small charts: one strip for a row, one chart for a number of workers.
//!
//! The text of an SVG file is short enough to be written without a crate for it.

use std::fmt::Write;

use super::measure::{Curve, RUNTIMES, Strip, WORKERS};
use crate::statistics::quantile;
use crate::units::{duration, times};
use crate::workload::{Runtime, Subject};

/// Where the charts begin, the width of one, and the room after it, in which its growth stands.
const LEFT: f64 = 70.0;
const WIDTH: f64 = 170.0;
const GAP: f64 = 60.0;

/// The legend, and the height of a strip and of the chart in it.
const HEAD: f64 = 30.0;
const STRIP: f64 = 150.0;
const TITLE: f64 = 24.0;
const HEIGHT: f64 = 90.0;

/// A chart shows at least such a range of figures, so that what is flat looks flat.
const RANGE: f64 = 10.0;

fn colour(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Asyncio => "#c2410c",
        _ => "#2563a8",
    }
}

/// The text of an SVG file with these strips, one below the other.
pub(super) fn draw(strips: &[&Strip]) -> String {
    let width = LEFT + WORKERS.len() as f64 * (WIDTH + GAP);
    let height = HEAD + strips.len() as f64 * STRIP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (place, runtime) in RUNTIMES.into_iter().rev().enumerate() {
        let x = LEFT + 90.0 * place as f64;
        let (name, colour) = (runtime.name(), colour(runtime));
        line(&mut svg, (x, 14.0), (x + 20.0, 14.0), colour);
        text(&mut svg, (x + 26.0, 18.0), "start", "#222", name);
    }
    for (place, strip) in strips.iter().enumerate() {
        let top = HEAD + place as f64 * STRIP;
        draw_strip(&mut svg, strip, top);
    }
    svg += "</svg>\n";
    svg
}

fn draw_strip(svg: &mut String, strip: &Strip, top: f64) {
    let workload = strip.workload;
    let title = format!("{}, per {}", strip.title, workload.unit);
    let style = "font-size=\"13\" font-weight=\"bold\" fill=\"#222\"";
    write_text(svg, (LEFT, top + 14.0), style, &title);
    let Some(scale) = Scale::of(strip) else {
        return;
    };
    for (place, workers) in WORKERS.into_iter().enumerate() {
        let left = LEFT + place as f64 * (WIDTH + GAP);
        let chart = Chart {
            left,
            top: top + TITLE,
            scale,
        };
        chart.frame(svg, workload.subject, place == 0);
        let says = match workers {
            1 => "1 worker".into(),
            _ => format!("{workers} workers"),
        };
        let at = (left + WIDTH + 2.0, top + TITLE + HEIGHT + 14.0);
        text(svg, at, "start", "#777", &says);
        let curves = strip.curves.iter().filter(|curve| curve.workers == workers);
        chart.curves(svg, &curves.collect::<Vec<_>>());
    }
}

/// The smallest and the largest size and figure of a strip; both axes are logarithmic.
#[derive(Clone, Copy, Debug)]
struct Scale {
    sizes: (f64, f64),
    figures: (f64, f64),
}

impl Scale {
    fn of(strip: &Strip) -> Option<Self> {
        let points = || strip.curves.iter().flat_map(|curve| &curve.points);
        let range = |values: Vec<f64>| Some((quantile(&values, 0.0)?, quantile(&values, 1.0)?));
        let sizes = range(points().map(|point| point.0).collect())?;
        let (least, most) = range(points().map(|point| point.1).collect())?;
        let least = least.max(f64::MIN_POSITIVE);
        // With a margin, and then widened to the range.
        let (least, most) = (least / 1.3, most.max(least) * 1.3);
        let widen = (RANGE / (most / least)).max(1.0).sqrt();
        Some(Self {
            sizes,
            figures: (least / widen, most * widen),
        })
    }

    /// The round figures within it: powers of ten, and in between if there are few.
    fn marks(&self) -> Vec<f64> {
        let (least, most) = self.figures;
        let powers = least.log10().floor() as i32..=most.log10().ceil() as i32;
        let between: &[f64] = match most / least {
            range if range < 30.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let marks = powers.flat_map(|power| between.iter().map(move |m| m * 10_f64.powi(power)));
        marks.filter(|mark| (least..=most).contains(mark)).collect()
    }
}

struct Chart {
    left: f64,
    top: f64,
    scale: Scale,
}

impl Chart {
    fn x(&self, size: f64) -> f64 {
        self.left + 16.0 + (WIDTH - 32.0) * part(size, self.scale.sizes)
    }

    fn y(&self, figure: f64) -> f64 {
        self.top + HEIGHT * (1.0 - part(figure, self.scale.figures))
    }

    /// The lines of the round figures, whose names stand at the first chart only.
    fn frame(&self, svg: &mut String, subject: Subject, is_first: bool) {
        let (left, right) = (self.left, self.left + WIDTH);
        for mark in self.scale.marks() {
            let y = self.y(mark);
            line(svg, (left, y), (right, y), "#ddd");
            if is_first {
                let name = match subject {
                    Subject::Bytes => format!("{} B", short(mark)),
                    Subject::Time | Subject::Cpu => round_duration(mark),
                };
                text(svg, (left - 6.0, y + 4.0), "end", "#555", &name);
            }
        }
        let bottom = self.top + HEIGHT;
        line(svg, (left, bottom), (right, bottom), "#999");
    }

    fn curves(&self, svg: &mut String, curves: &[&Curve]) {
        let mut sizes: Vec<f64> = Vec::new();
        let mut names: Vec<Name> = Vec::new();
        for curve in curves {
            let colour = colour(curve.runtime);
            let at = |point: &(f64, f64)| (self.x(point.0), self.y(point.1));
            for pair in curve.points.windows(2) {
                line(svg, at(&pair[0]), at(&pair[1]), colour);
            }
            for point in &curve.points {
                let (x, y) = at(point);
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>"
                );
                if !sizes.contains(&point.0) {
                    sizes.push(point.0);
                }
            }
            let end = curve.points.last().zip(curve.growth());
            names.extend(end.map(|(point, growth)| Name {
                y: at(point).1,
                text: times(growth),
                colour,
                is_bold: curve.rises(),
            }));
        }
        self.sizes(svg, sizes);
        keep_apart(&mut names);
        for name in names {
            let at = (self.left + WIDTH + 2.0, name.y + 4.0);
            let text_of = if name.is_bold { bold } else { text };
            text_of(svg, at, "start", name.colour, &name.text);
        }
    }
}

impl Chart {
    /// The names of the sizes below the axis, but for one that would cover the next.
    fn sizes(&self, svg: &mut String, mut sizes: Vec<f64>) {
        sizes.sort_by(|one, other| other.total_cmp(one));
        let mut free = f64::INFINITY;
        for size in sizes {
            let at = (self.x(size), self.top + HEIGHT + 14.0);
            if at.0 < free {
                text(svg, at, "middle", "#555", &short(size));
                free = at.0 - 26.0;
            }
        }
    }
}

/// What stands at the end of a curve.
struct Name {
    y: f64,
    text: String,
    colour: &'static str,
    is_bold: bool,
}

/// Moves two names that would cover one another.
fn keep_apart(names: &mut [Name]) {
    names.sort_by(|one, other| one.y.total_cmp(&other.y));
    if let [upper, lower] = names {
        let lacking = (12.0 - (lower.y - upper.y)).max(0.0);
        upper.y -= lacking / 2.0;
        lower.y += lacking / 2.0;
    }
}

/// Where a value stands in its range, from 0 to 1, by its logarithm.
fn part(value: f64, (least, most): (f64, f64)) -> f64 {
    if most <= least {
        return 0.5;
    }
    (value / least).ln() / (most / least).ln()
}

/// A duration without places after the point.
fn round_duration(nanoseconds: f64) -> String {
    duration(nanoseconds)
        .replace(".00 ", " ")
        .replace(".0 ", " ")
}

/// A size in few characters.
fn short(size: f64) -> String {
    match size {
        size if size >= 1e6 => format!("{} M", size / 1e6),
        size if size >= 1e3 => format!("{} k", size / 1e3),
        size => format!("{size}"),
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
        from.0,
        from.1,
        to.0,
        to.1,
        if colour.len() == 4 { 1.0 } else { 1.8 }
    );
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, colour: &str, what: &str) {
    write_text(
        svg,
        at,
        &format!("text-anchor=\"{anchor}\" fill=\"{colour}\""),
        what,
    );
}

fn bold(svg: &mut String, at: (f64, f64), anchor: &str, colour: &str, what: &str) {
    let style = format!("text-anchor=\"{anchor}\" fill=\"{colour}\" font-weight=\"bold\"");
    write_text(svg, at, &style, what);
}

fn write_text(svg: &mut String, (x, y): (f64, f64), style: &str, what: &str) {
    let what = escaped(what);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{what}</text>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WORKLOADS;

    fn strip() -> Strip {
        let curves = WORKERS.into_iter().flat_map(|workers| {
            RUNTIMES.map(|runtime| Curve {
                runtime,
                workers,
                points: vec![(10.0, 300.0), (100.0, 200.0), (1_000.0, 400.0)],
            })
        });
        Strip {
            title: "a row".into(),
            workload: &WORKLOADS[0],
            curves: curves.collect(),
            others: 0.0,
            failures: 0,
        }
    }

    #[test]
    fn each_curve_has_its_points_and_its_growth() {
        let svg = draw(&[&strip(), &strip()]);
        assert_eq!(svg.matches("<circle").count(), 2 * 3 * 2 * 3);
        assert_eq!(svg.matches("×2.00").count(), 2 * 3 * 2);
        assert_eq!(svg.matches('"').count() % 2, 0);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_strip_without_points_has_only_its_title() {
        let mut empty = strip();
        empty
            .curves
            .iter_mut()
            .for_each(|curve| curve.points.clear());
        let svg = draw(&[&empty]);
        assert!(svg.contains(&empty.title));
        assert!(!svg.contains("<circle"));
    }

    #[test]
    fn what_is_flat_is_drawn_flat() {
        let mut flat = strip();
        for curve in &mut flat.curves {
            curve.points.iter_mut().for_each(|point| point.1 = 100.0);
        }
        let scale = Scale::of(&flat).expect("it has points");
        assert!(scale.figures.1 / scale.figures.0 >= RANGE * 0.99);
        assert!((part(100.0, scale.figures) - 0.5).abs() < 0.01);
    }
}
