//! The result for scripts.

use super::Outcome;
use longwire_bench::{Latency, Measured, Usage, echo, fan_out, idle};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// All of it, as one object.
pub(super) fn line(outcome: &Outcome<'_>) -> Value {
    match outcome {
        Outcome::Echo(options, report) => echo_object(options, report),
        Outcome::Storm(measured) => storm_object(measured),
        Outcome::Idle(report) => idle_object(report),
        Outcome::FanOut(options, measured) => fan_out_object(options, measured),
    }
}

fn echo_object(options: &echo::Options, report: &echo::Report) -> Value {
    let (in_flight, rate) = match options.pace {
        echo::Pace::InFlight(count) => (Some(count), None),
        echo::Pace::Rate(rate) => (None, Some(rate)),
    };
    let object = json!({
        "type": "echo",
        "connections": options.connections,
        "in_flight": in_flight,
        "rate": rate,
        "size": options.size,
        "unanswered": report.unanswered,
    });
    with_measured(object, "messages", &report.measured)
}

fn storm_object(measured: &Measured) -> Value {
    with_measured(json!({ "type": "storm" }), "handshakes", measured)
}

fn fan_out_object(options: &fan_out::Options, measured: &Measured) -> Value {
    let object = json!({
        "type": "fan-out",
        "subscribers": options.subscribers,
        "outstanding": options.outstanding,
        "size": options.size,
    });
    with_measured(object, "deliveries", measured)
}

/// Adds what every measurement under load gives; `what` was counted.
fn with_measured(mut object: Value, what: &str, measured: &Measured) -> Value {
    let seconds = measured.elapsed.as_secs_f64();
    object["seconds"] = json!(seconds);
    object[what] = json!(measured.count);
    object[format!("{what}_per_second")] = json!(measured.count as f64 / seconds);
    object["latency_us"] = latency(&measured.latency);
    object["server"] = usage(measured.server, measured.count);
    object["generator"] = usage(measured.generator, measured.count);
    object
}

fn idle_object(report: &idle::Report) -> Value {
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| {
            json!({
                "connections": step.connections,
                "resident_bytes": step.resident,
                "tcp_queue_bytes": step.kernel,
            })
        })
        .collect();
    json!({
        "type": "idle",
        "steps": steps,
        "bytes_per_connection": report.bytes_per_connection,
    })
}

/// CPU time in all, and for each of what was counted.
fn usage(usage: Option<Usage>, count: u64) -> Value {
    usage.map_or(Value::Null, |usage| {
        let seconds = usage.cpu.as_secs_f64();
        json!({
            "cpu_seconds": seconds,
            "cpu_us_each": seconds * 1e6 / count.max(1) as f64,
        })
    })
}

fn latency(latency: &Latency) -> Value {
    let us = |time: Duration| json!(time.as_nanos() as f64 / 1e3);
    let shares = [
        ("p50", 0.5),
        ("p90", 0.9),
        ("p99", 0.99),
        ("p99.9", 0.999),
        ("p99.99", 0.9999),
    ];
    let mut object: Map<String, Value> = shares
        .iter()
        .map(|&(name, share)| (name.to_owned(), us(latency.quantile(share))))
        .collect();
    object.insert("mean".to_owned(), us(latency.mean()));
    object.insert("max".to_owned(), us(latency.max()));
    Value::Object(object)
}
