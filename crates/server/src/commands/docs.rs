//! A command's arguments as a person writes them, from what COMMAND DOCS knows of them: `<id> [TIMEOUT|ERROR]`.

use engine::row::Doc;

pub fn syntax(docs: &[Doc]) -> String {
    docs.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn one(doc: &Doc) -> String {
    let inner = match doc.kind {
        "pure-token" => doc.token.to_string(),
        "oneof" => doc.of.iter().map(one).collect::<Vec<_>>().join("|"),
        "block" => syntax(doc.of),
        _ => format!("<{}>", doc.name),
    };
    let mut text = match doc.token {
        "" => inner,
        token if doc.kind != "pure-token" => format!("{token} {inner}"),
        _ => inner,
    };
    if doc.kind == "oneof" && !doc.optional {
        text = format!("({text})");
    }
    if doc.multiple {
        text = format!("{text} [{text} ...]");
    }
    if doc.optional { format!("[{text}]") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_reads_as_people_write_it() {
        const MODE: Doc =
            Doc::one_of("mode", &[Doc::flag("timeout", "TIMEOUT"), Doc::flag("error", "ERROR")]);
        for (docs, want) in [
            (&[Doc::new("id", "integer"), MODE.optional()][..], "<id> [TIMEOUT|ERROR]"),
            (&[MODE], "(TIMEOUT|ERROR)"),
            (&[Doc::key("key", 0).multiple()], "<key> [<key> ...]"),
            (&[Doc::new("count", "integer").behind("SAMPLES").optional()], "[SAMPLES <count>]"),
            (&[], ""),
        ] {
            assert_eq!(syntax(docs), want);
        }
    }
}
