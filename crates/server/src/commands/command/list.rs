//! COMMAND LIST: names of commands and subcommands, all or those that a filter takes.

use crate::commands::{Command, table};
use crate::session::Session;
use base::glob;
use engine::row::Categories;
use engine::{Done, Error, Txn};
use resp::{Args, Reply};

pub fn list(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let filter = Filter::parse(args)?;
    let names: Vec<&str> =
        table().every().filter(|command| filter.takes(command)).map(|c| c.full_name.as_str()).collect();
    out.array(names.len());
    names.into_iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(())
}

enum Filter<'a> {
    All,
    /// There are no modules, and there may be no such category.
    None,
    Category(Categories),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        if args.len() == 2 {
            return Ok(Self::All);
        }
        if args.len() != 5 || !args.at(2).eq_ignore_ascii_case(b"filterby") {
            return Err(Error::Syntax);
        }
        let value = args.at(4);
        match args.at(3).to_ascii_lowercase().as_slice() {
            b"module" => Ok(Self::None),
            b"aclcat" => {
                let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
                let category = Categories::NAMES.iter().find(|(_, name)| is(name));
                Ok(category.map_or(Self::None, |(category, _)| Self::Category(*category)))
            }
            b"pattern" => Ok(Self::Pattern(value)),
            _ => Err(Error::Syntax),
        }
    }

    fn takes(&self, command: &Command) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Category(category) => command.meta.all_categories().has(*category),
            Self::Pattern(pattern) => {
                glob::matches(pattern, command.full_name.as_bytes(), glob::Case::Insensitive)
            }
        }
    }
}
