//! The result for scripts.

use super::Outcome;
use longwire_bench::{Latency, Usage, echo, fan_out, idle, storm};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// All of it, as one object.
pub(super) fn line(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Echo(options, report) => echo_object(options, report),
        Outcome::Storm(report) => storm_object(report),
        Outcome::Idle(report) => idle_object(report),
        Outcome::FanOut(options, report) => fan_out_object(options, report),
    }
}

fn echo_object(options: &echo::Options, report: &echo::Report) -> Value {
    let (in_flight, rate) = match options.pace {
        echo::Pace::InFlight(count) => (Some(count), None),
        echo::Pace::Rate(rate) => (None, Some(rate)),
    };
    json!({
        "type": "echo",
        "connections": options.connections,
        "in_flight": in_flight,
        "rate": rate,
        "size": options.size,
        "seconds": report.elapsed.as_secs_f64(),
        "messages": report.messages,
        "messages_per_second": per_second(report.messages, report.elapsed),
        "unanswered": report.unanswered,
        "latency_us": latency(&report.latency),
        "server": usage(report.server, report.messages),
        "generator": usage(report.generator, report.messages),
    })
}

fn storm_object(report: &storm::Report) -> Value {
    json!({
        "type": "storm",
        "seconds": report.elapsed.as_secs_f64(),
        "handshakes": report.opened,
        "handshakes_per_second": per_second(report.opened, report.elapsed),
        "latency_us": latency(&report.latency),
        "server": usage(report.server, report.opened),
        "generator": usage(report.generator, report.opened),
    })
}

fn fan_out_object(options: &fan_out::Options, report: &fan_out::Report) -> Value {
    json!({
        "type": "fan-out",
        "subscribers": options.subscribers,
        "outstanding": options.outstanding,
        "size": options.size,
        "seconds": report.elapsed.as_secs_f64(),
        "deliveries": report.deliveries,
        "deliveries_per_second": per_second(report.deliveries, report.elapsed),
        "latency_us": latency(&report.latency),
        "server": usage(report.server, report.deliveries),
        "generator": usage(report.generator, report.deliveries),
    })
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

fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
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
