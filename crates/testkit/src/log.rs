//! Log lines in Redis's format: `pid:role day month year time.ms level message`.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub pid: u32,
    /// M, S, C or X.
    pub role: char,
    pub time: String,
    /// One of `.-*#`.
    pub mark: char,
    pub message: String,
}

impl Line {
    /// `None` for what is not exactly of this form.
    pub fn parse(text: &str) -> Option<Self> {
        let (pid, rest) = text.split_once(':')?;
        let mut words = rest.splitn(7, ' ');
        let role = one_char(words.next()?).filter(|role| "MSCX".contains(*role))?;
        let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let mark = one_char(words.next()?).filter(|mark| ".-*#".contains(*mark))?;
        let message = words.next()?.to_string();
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let is_date = has_shape(day, "00") && months.contains(&month) && has_shape(year, "0000");
        if !is_date || !has_shape(clock, "00:00:00.000") {
            return None;
        }
        let time = format!("{day} {month} {year} {clock}");
        Some(Self { pid: pid.parse().ok()?, role, time, mark, message })
    }
}

fn one_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// Digits where `shape` has 0, else the same characters.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, s)| if s == '0' { c.is_ascii_digit() } else { c == s })
}

/// The lines of a log that are log lines; banners and such are left out.
pub fn lines(text: &str) -> Vec<Line> {
    text.lines().filter_map(Line::parse).collect()
}

/// The first of `wanted` that does not follow the ones before it; `matches` compares a line with a wanted one.
pub fn first_missing<'w, W>(
    lines: &[Line],
    wanted: &'w [W],
    matches: impl Fn(&Line, &W) -> bool,
) -> Option<&'w W> {
    let mut rest = lines.iter();
    wanted.iter().find(|wanted| !rest.any(|line| matches(line, wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_redis_writes() {
        let line = Line::parse("13370:M 17 Mar 2023 23:31:11.132 * Background saving started by pid 13412");
        let line = line.expect("is a line");
        assert_eq!((line.pid, line.role, line.mark), (13370, 'M', '*'));
        assert_eq!(line.message, "Background saving started by pid 13412");
        for bad in [
            "13370:Q 17 Mar 2023 23:31:11.132 * x",
            "13370:M 17 Mar 2023 23:31:11 * x",
            "13370:M 17 Mrz 2023 23:31:11.132 * x",
            "x:M 17 Mar 2023 23:31:11.132 * x",
            "13370:M 17 Mar 2023 23:31:11.132 x",
            "",
        ] {
            assert_eq!(Line::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn order_counts() {
        let lines = lines("1:M 17 Mar 2023 23:31:11.132 * a\nbanner\n1:M 17 Mar 2023 23:31:11.132 * b\n");
        let same = |line: &Line, wanted: &&str| line.message == *wanted;
        assert_eq!(first_missing(&lines, &["a", "b"], same), None);
        assert_eq!(first_missing(&lines, &["b", "a"], same), Some(&"a"));
    }
}
