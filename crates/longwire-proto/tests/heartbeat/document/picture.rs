//! A learning run, and Mars on the same path.

use crate::{
    minutes,
    path::{End, Path},
    secs,
    simulation::{Fate, Report, run},
    strategy::{Mars, learner},
};
use longwire_proto::{Instant, heartbeat::LearningConfig};
use std::{fmt::Write, time::Duration};

/// What the path carries: a cloud balancer's.
const LIMIT: Duration = secs(350);
/// How long the picture is.
const LENGTH: Duration = minutes(60);

const WIDTH: f64 = 880.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 24.0;
const HEIGHT: f64 = 716.0;

#[derive(Clone, Copy)]
struct Panel {
    top: f64,
    height: f64,
}

const LEARNED: Panel = Panel {
    top: 100.0,
    height: 300.0,
};
const MARS: Panel = Panel {
    top: 464.0,
    height: 214.0,
};

/// The shortest and the longest silence that is shown.
const SILENCES: [f64; 2] = [12.0, 2200.0];

pub(super) fn draw() -> String {
    let path = Path::fixed(LIMIT, End::Silence);
    let learned = run(
        &mut learner(LearningConfig::default(), None),
        &path,
        1,
        LENGTH,
    );
    let mars = run(&mut Mars::new(), &path, 1, LENGTH);
    let mut picture = Picture(String::new());
    picture.head();
    picture.panel(LEARNED, "Longwire: canaries find the limit");
    picture.live(LEARNED, &learned);
    picture.canaries(LEARNED, &learned);
    picture.panel(MARS, "Mars: the live connection finds the limit");
    picture.fixed(MARS);
    picture.live(MARS, &mars);
    picture.0.push_str("</svg>\n");
    picture.0
}

struct Picture(String);

fn x(at: Instant) -> f64 {
    let part = (at - Instant::default()).as_secs_f64() / LENGTH.as_secs_f64();
    LEFT + part.min(1.0) * (RIGHT - LEFT)
}

/// On a logarithmic scale.
fn y(panel: Panel, silence: Duration) -> f64 {
    let [shortest, longest] = SILENCES.map(f64::ln);
    let part = (silence.as_secs_f64().ln() - shortest) / (longest - shortest);
    panel.top + panel.height * (1.0 - part)
}

impl Picture {
    fn head(&mut self) {
        let _ = write!(
            self.0,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">
<title>A learning run on a path that drops what is silent for 350 s</title>
<style>
text {{ font: 13px system-ui, sans-serif; fill: #333 }}
.title {{ font-weight: 600; font-size: 15px }}
.axis {{ fill: #767676; font-size: 12px }}
.grid {{ stroke: #e6e6e6 }}
.beyond {{ fill: #fdeceb }}
.limit {{ stroke: #c5362c; stroke-dasharray: 6 4 }}
.live {{ stroke: #1f5fbf; stroke-width: 3; fill: none; stroke-linejoin: round }}
.blue {{ fill: #1f5fbf; font-weight: 600 }}
.fixed {{ stroke: #8a63b3; stroke-width: 2 }}
.flight {{ stroke: #9aa3ad; stroke-width: 1.5 }}
.answered {{ fill: #2b8a3e }}
.lost {{ stroke: #c5362c; stroke-width: 2.5 }}
.back {{ stroke: #9aa3ad; stroke-width: 2.5 }}
</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>
"#
        );
        self.text(
            "title",
            LEFT,
            26.0,
            "How long connections are silent, on a path that drops them after 350 s",
        );
        self.legend(52.0);
    }

    fn legend(&mut self, at: f64) {
        self.line("live", [LEFT, at], [LEFT + 26.0, at]);
        self.text(
            "",
            LEFT + 33.0,
            at + 4.0,
            "how often the live connection beats",
        );
        self.line("flight", [352.0, at], [378.0, at]);
        self.dot(378.0, at);
        self.text("", 388.0, at + 4.0, "canary, answered");
        self.line("flight", [512.0, at], [538.0, at]);
        self.cross(538.0, at);
        self.text("", 548.0, at + 4.0, "dropped by the path");
        self.line("flight", [696.0, at], [722.0, at]);
        self.stop(722.0, at);
        self.text("", 732.0, at + 4.0, "called back");
    }

    fn panel(&mut self, panel: Panel, title: &str) {
        let (top, bottom) = (panel.top, panel.top + panel.height);
        let limit = y(panel, LIMIT);
        let (width, height) = (RIGHT - LEFT, limit - top);
        let _ = writeln!(
            self.0,
            r#"<rect class="beyond" x="{LEFT}" y="{top}" width="{width}" height="{height:.1}"/>"#
        );
        for (silence, label) in [
            (15, "15 s"),
            (30, "30 s"),
            (60, "1 min"),
            (120, "2 min"),
            (240, "4 min"),
            (480, "8 min"),
            (960, "16 min"),
            (1920, "32 min"),
        ] {
            let at = y(panel, secs(silence));
            self.line("grid", [LEFT, at], [RIGHT, at]);
            self.anchored("axis", "end", [LEFT - 8.0, at + 4.0], label);
        }
        for ten in 0..=6 {
            let at = x(Instant::default() + minutes(10 * ten));
            self.line("grid", [at, top], [at, bottom]);
            let label = match ten {
                0 => "0".to_owned(),
                _ => format!("{} min", 10 * ten),
            };
            self.anchored("axis", "middle", [at, bottom + 18.0], &label);
        }
        self.line("limit", [LEFT, limit], [RIGHT, limit]);
        self.anchored(
            "axis",
            "end",
            [RIGHT - 6.0, limit - 6.0],
            "the path's limit",
        );
        self.text("title", LEFT, top - 10.0, title);
    }

    fn canaries(&mut self, panel: Panel, report: &Report) {
        for flight in &report.flights {
            let at = y(panel, flight.span);
            let end = x(flight.ended);
            self.line("flight", [x(flight.opened), at], [end, at]);
            match flight.fate {
                Fate::Answered => self.dot(end, at),
                Fate::Lost => self.cross(end, at),
                Fate::CalledBack => self.stop(end, at),
            }
        }
    }

    /// The steps of the interval, and the deaths of the live connection.
    fn live(&mut self, panel: Panel, report: &Report) {
        let mut steps = String::new();
        for (number, (from, interval)) in report.intervals.iter().enumerate() {
            let (at, up) = (x(*from), y(panel, *interval));
            let _ = match number {
                0 => write!(steps, "M{at:.1} {up:.1}"),
                _ => write!(steps, "H{at:.1}V{up:.1}"),
            };
        }
        let _ = writeln!(self.0, r#"<path class="live" d="{steps}H{RIGHT}"/>"#);
        for (at, silence) in &report.deaths {
            self.cross(x(*at), y(panel, *silence));
        }
        let note = match report.deaths.len() {
            0 => "it is never dropped".to_owned(),
            drops => format!("it is dropped {drops} times"),
        };
        self.anchored("blue", "end", [RIGHT - 6.0, y(panel, LIMIT) + 34.0], &note);
    }

    fn fixed(&mut self, panel: Panel) {
        let at = y(panel, secs(30));
        self.line("fixed", [LEFT, at], [RIGHT, at]);
        let note = "fixed, every 30 s: safe here, and 120 beats an hour for ever";
        self.anchored("axis", "end", [RIGHT - 6.0, at - 8.0], note);
    }

    fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let _ = writeln!(
            self.0,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    fn dot(&mut self, x: f64, y: f64) {
        let _ = writeln!(
            self.0,
            r#"<circle class="answered" cx="{x:.1}" cy="{y:.1}" r="3.5"/>"#
        );
    }

    fn cross(&mut self, x: f64, y: f64) {
        self.line("lost", [x - 3.5, y - 3.5], [x + 3.5, y + 3.5]);
        self.line("lost", [x - 3.5, y + 3.5], [x + 3.5, y - 3.5]);
    }

    fn stop(&mut self, x: f64, y: f64) {
        self.line("back", [x, y - 4.0], [x, y + 4.0]);
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.anchored(class, "start", [x, y], text);
    }

    fn anchored(&mut self, class: &str, anchor: &str, [x, y]: [f64; 2], text: &str) {
        let _ = writeln!(
            self.0,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        );
    }
}
