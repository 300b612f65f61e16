//! What a value must fulfil beyond its type and range.

use super::Config;
use crate::sys;

/// Looks at the directive `name`, which was just set. The error is the text behind "- " in CONFIG SET's reply.
pub fn check(name: &str, config: &mut Config) -> Result<(), String> {
    match name {
        "activedefrag" if config.activedefrag => Err(NO_DEFRAG.into()),
        "appenddirname" => no_path(&config.appenddirname, "appenddirname can't be a path, just a dirname"),
        "appendfilename" => {
            no_path(&config.appendfilename, "appendfilename can't be a path, just a filename")
        }
        "bind" if BIND_ADDRESSES_MAX < config.bind.0.len() => {
            Err("Too many bind addresses specified.".into())
        }
        "cluster-announce-hostname" => hostname(&config.cluster_announce_hostname),
        "cluster-announce-human-nodename"
            if config.cluster_announce_human_nodename.bytes().any(|c| !c.is_ascii_graphic()) =>
        {
            Err("Announced human node name contained invalid character".into())
        }
        "dbfilename" => no_path(&config.dbfilename, "dbfilename can't be a path, just a filename"),
        "hz" => {
            // A hint: out of range it counts as the nearest end.
            config.hz = config.hz.clamp(1, 500);
            Ok(())
        }
        "latency-tracking-info-percentiles" => percentiles(&config.latency_tracking_info_percentiles.0),
        "locale-collate" if !config.locale_collate.is_empty() && !sys::is_locale(&config.locale_collate) => {
            Err("Invalid locale name".into())
        }
        "oom-score-adj-values" => oom_scores(&config.oom_score_adj_values.0),
        "proc-title-template" => title_template(&config.proc_title_template),
        _ => Ok(()),
    }
}

const NO_DEFRAG: &str = "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution";
const BIND_ADDRESSES_MAX: usize = 16;

fn no_path(value: &str, error: &str) -> Result<(), String> {
    if value.contains('/') { Err(error.into()) } else { Ok(()) }
}

fn hostname(name: &str) -> Result<(), String> {
    if 256 <= name.len() {
        return Err("Hostnames must be less than 256 characters".into());
    }
    if name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.') {
        return Ok(());
    }
    Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into())
}

fn percentiles(words: &[String]) -> Result<(), String> {
    for word in words {
        let Ok(percent) = word.parse::<f64>() else {
            return Err("Invalid latency-tracking-info-percentiles parameters".into());
        };
        if !(0.0..=100.0).contains(&percent) {
            return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into());
        }
    }
    Ok(())
}

fn oom_scores(words: &[String]) -> Result<(), String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    for word in words {
        let score = word.parse::<i64>().ok().filter(|score| (-2000..=2000).contains(score));
        if score.is_none() {
            return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
        }
    }
    Ok(())
}

/// Words in braces must be known ones, and something must be left.
fn title_template(template: &str) -> Result<(), String> {
    const KNOWN: [&str; 7] =
        ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];
    let invalid = || Err("template format is invalid or contains unknown variables".into());
    if template.trim().is_empty() {
        return invalid();
    }
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let Some(end) = rest[start..].find('}') else { return invalid() };
        if !KNOWN.contains(&&rest[start + 1..start + end]) {
            return invalid();
        }
        rest = &rest[start + end + 1..];
    }
    Ok(())
}
