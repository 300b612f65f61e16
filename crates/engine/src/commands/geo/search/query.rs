//! Searches: their options, what is found, in which order, and what becomes of it.
//!
//! Options are read as Redis reads them: of several of a kind the last one counts, and a map that is not there is
//! noticed only once they are right. Places found are views into the map until they are sent or stored.

use crate::commands::args::{int, is, shown};
use crate::commands::geo::{place, reply_distance, reply_place, unit};
use crate::commands::zsets;
use crate::error::{Done, Error};
use crate::events::Event;
use crate::txn::Txn;
use crate::value::SortedSet;
use base::geo::{Place, Search, Shape, Unit};
use base::number::parse_f64;
use base::quicksort::sort_part;
use ds::listpack::{Text, Value};
use ds::sorted::Sorted;
use resp::{Args, Reply};
use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};

/// Where a command has the centre.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// Behind the key: longitude, latitude, radius, unit.
    Point,
    /// Behind the key: member, radius, unit.
    Member,
    /// Among the options, as is the shape.
    Said,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Never,
    /// If an option says so.
    Said,
    /// In the key that is the first argument.
    Always,
}

/// What makes one command of the family another.
#[derive(Clone, Copy)]
pub struct Form {
    /// The map is this argument.
    pub source: usize,
    pub centre: Centre,
    pub store: Store,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    AsFound,
    Nearest,
    Farthest,
}

/// How the centre was given.
#[derive(Clone, Copy)]
enum From {
    Nothing,
    Point(Place),
    /// `None` where there is no map.
    Member(Option<Place>),
}

impl From {
    fn place(self) -> Option<Place> {
        match self {
            Self::Nothing => None,
            Self::Point(place) => Some(place),
            Self::Member(place) => place,
        }
    }
}

struct Query<'a> {
    from: From,
    by: Option<(Shape, Unit)>,
    order: Order,
    /// 0 is all.
    count: usize,
    /// The first ones found will do.
    any: bool,
    with_distance: bool,
    with_score: bool,
    with_place: bool,
    store: Option<&'a [u8]>,
    /// Distances are stored, not scores.
    stores_distance: bool,
}

const NO_MEMBER: Error = Error::text("ERR could not decode requested zset member");

/// The place of a member; `None` if there is no map.
fn member(set: Option<&SortedSet>, name: &[u8]) -> Result<Option<Place>, Error> {
    let Some(set) = set else { return Ok(None) };
    let score = set.score(name).ok_or(NO_MEMBER)?;
    Ok(Some(Place::from_score(score)))
}

fn length(arg: &[u8], error: &'static str) -> Result<f64, Error> {
    parse_f64(arg).ok_or(Error::text(error))
}

/// A radius and a unit.
fn circle(args: Args) -> Result<(Shape, Unit), Error> {
    let radius = length(args.at(0), "ERR need numeric radius")?;
    if radius < 0.0 {
        return Err(Error::text("ERR radius cannot be negative"));
    }
    let unit = unit(args.at(1))?;
    Ok((Shape::Circle { radius_m: radius * unit.meters() }, unit))
}

/// Width, height and a unit.
fn rectangle(args: Args) -> Result<(Shape, Unit), Error> {
    let width = length(args.at(0), "ERR need numeric width")?;
    let height = length(args.at(1), "ERR need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::text("ERR height or width cannot be negative"));
    }
    let unit = unit(args.at(2))?;
    Ok((Shape::Box { width_m: width * unit.meters(), height_m: height * unit.meters() }, unit))
}

impl<'a> Query<'a> {
    fn parse(args: Args<'a>, form: Form, set: Option<&SortedSet>) -> Result<Self, Error> {
        let mut query = Self {
            from: From::Nothing,
            by: None,
            order: Order::AsFound,
            count: 0,
            any: false,
            with_distance: false,
            with_score: false,
            with_place: false,
            store: (form.store == Store::Always).then(|| args.at(1)),
            stores_distance: false,
        };
        let options = match form.centre {
            Centre::Said => form.source + 1,
            Centre::Point => {
                query.from = From::Point(place(args.at(2), args.at(3))?);
                query.by = Some(circle(args.tail(4))?);
                6
            }
            Centre::Member => {
                // Nobody looks at the radius where there is no map.
                if set.is_some() {
                    query.from = From::Member(member(set, args.at(2))?);
                    query.by = Some(circle(args.tail(3))?);
                }
                5
            }
        };
        let mut i = options;
        while i < args.len() {
            i += 1 + query.option(args.tail(i), form, set)?;
        }
        query.check(args, form)?;
        Ok(query)
    }

    /// Reads an option; how many arguments it has.
    fn option(&mut self, words: Args<'a>, form: Form, set: Option<&SortedSet>) -> Result<usize, Error> {
        let (word, left) = (words.at(0), words.len() - 1);
        let said = form.centre == Centre::Said;
        match word {
            _ if is(word, "withdist") => self.with_distance = true,
            _ if is(word, "withhash") => self.with_score = true,
            _ if is(word, "withcoord") => self.with_place = true,
            _ if is(word, "any") => self.any = true,
            _ if is(word, "asc") => self.order = Order::Nearest,
            _ if is(word, "desc") => self.order = Order::Farthest,
            _ if 1 <= left && is(word, "count") => {
                let count = usize::try_from(int(words.at(1))?).ok().filter(|&count| 0 < count);
                self.count = count.ok_or(Error::text("ERR COUNT must be > 0"))?;
                return Ok(1);
            }
            _ if form.store == Store::Said && 1 <= left && is(word, "store") => {
                (self.store, self.stores_distance) = (Some(words.at(1)), false);
                return Ok(1);
            }
            _ if form.store == Store::Said && 1 <= left && is(word, "storedist") => {
                (self.store, self.stores_distance) = (Some(words.at(1)), true);
                return Ok(1);
            }
            _ if form.store == Store::Always && is(word, "storedist") => self.stores_distance = true,
            _ if said && 1 <= left && is(word, "frommember") && !matches!(self.from, From::Point(_)) => {
                self.from = From::Member(member(set, words.at(1))?);
                return Ok(1);
            }
            _ if said && 2 <= left && is(word, "fromlonlat") && !matches!(self.from, From::Member(_)) => {
                self.from = From::Point(place(words.at(1), words.at(2))?);
                return Ok(2);
            }
            _ if said && 2 <= left && is(word, "byradius") && !self.is_by_box() => {
                self.by = Some(circle(words.tail(1))?);
                return Ok(2);
            }
            _ if said && 3 <= left && is(word, "bybox") && (self.by.is_none() || self.is_by_box()) => {
                self.by = Some(rectangle(words.tail(1))?);
                return Ok(3);
            }
            _ => return Err(Error::Syntax),
        }
        Ok(0)
    }

    fn is_by_box(&self) -> bool {
        matches!(self.by, Some((Shape::Box { .. }, _)))
    }

    /// Whether the options go together.
    fn check(&self, args: Args, form: Form) -> Result<(), Error> {
        if self.store.is_some() && (self.with_distance || self.with_score || self.with_place) {
            let name = match form.store {
                Store::Always => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            let text = format!("ERR {name} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
            return Err(Error::owned(text));
        }
        let lacks = |what: &str| {
            Error::owned(format!("ERR exactly one of {what} can be specified for {}", shown(args.name())))
        };
        if form.centre == Centre::Said && matches!(self.from, From::Nothing) {
            return Err(lacks("FROMMEMBER or FROMLONLAT"));
        }
        if form.centre == Centre::Said && self.by.is_none() {
            return Err(lacks("BYRADIUS and BYBOX"));
        }
        if self.any && self.count == 0 {
            return Err(Error::text("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }
}

struct Found<'s> {
    member: Value<'s>,
    score: f64,
    place: Place,
    distance_m: f64,
}

pub fn run(txn: &mut Txn, args: Args, out: &mut Reply, form: Form) -> Done {
    let set = zsets::read(txn, args.at(form.source))?;
    let query = Query::parse(args, form, set)?;
    let mut found = Vec::new();
    let mut unit = Unit::M;
    if let Some(set) = set
        && let (Some(centre), Some((shape, said))) = (query.from.place(), query.by)
    {
        unit = said;
        let limit = if query.any { query.count } else { usize::MAX };
        find(set, &Search { centre, shape }, limit, &mut found);
        order(&query, &mut found);
    }
    let Some(to) = query.store else {
        reply(&query, &found, unit, out);
        return Ok(());
    };
    let shapes = txn.engine().shapes();
    let mut result = Sorted::new(shapes.hasher.clone());
    let mut text = Text::new();
    for one in &found {
        // No distance is beyond all numbers, nor no number at all.
        let distance = || (one.distance_m / unit.meters()).min(f64::MAX);
        let score = if query.stores_distance { distance() } else { one.score };
        result.insert(one.member.bytes(&mut text), score);
    }
    let count = found.len();
    let event = if form.store == Store::Always { Event::GeoSearchStore } else { Event::GeoRadiusStore };
    zsets::store(txn, to, SortedSet::settled(result, &shapes), event);
    if 1 < count {
        txn.changed_all(count as u64 - 1);
    }
    out.int(count as i64);
    Ok(())
}

/// Square by square, until there are so many.
fn find<'s>(set: &'s SortedSet, search: &Search, limit: usize, found: &mut Vec<Found<'s>>) {
    let scores: Vec<Range<f64>> =
        search.scores().into_iter().map(|range| range.start as f64..range.end as f64).collect();
    set.visit_scores(&scores, |member, score| {
        let Some((place, distance_m)) = search.measure(score) else { return ControlFlow::Continue(()) };
        found.push(Found { member, score, place, distance_m });
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

/// Sorts as far as the result goes, and cuts it off there. Places of one distance stay as they were found, unless
/// some are cut off.
fn order(query: &Query, found: &mut Vec<Found>) {
    let order = match query.order {
        // The nearest ones are meant, if not any.
        Order::AsFound if query.count != 0 && !query.any => Order::Nearest,
        order => order,
    };
    let compare = |a: &Found, b: &Found| match order {
        Order::AsFound => Ordering::Equal,
        Order::Nearest => a.distance_m.total_cmp(&b.distance_m),
        Order::Farthest => b.distance_m.total_cmp(&a.distance_m),
    };
    let wanted = if query.count == 0 { found.len() } else { query.count.min(found.len()) };
    if order != Order::AsFound {
        if wanted == found.len() {
            found.sort_by(compare);
        } else {
            sort_part(found, 0..wanted, compare);
        }
    }
    found.truncate(wanted);
}

fn reply(query: &Query, found: &[Found], unit: Unit, out: &mut Reply) {
    let facts = [query.with_distance, query.with_score, query.with_place];
    let facts = facts.into_iter().filter(|&with| with).count();
    let mut text = Text::new();
    out.array(found.len());
    for one in found {
        if facts != 0 {
            out.array(1 + facts);
        }
        out.bulk(one.member.bytes(&mut text));
        if query.with_distance {
            reply_distance(out, one.distance_m / unit.meters());
        }
        if query.with_score {
            out.int(one.score as i64);
        }
        if query.with_place {
            reply_place(out, one.place);
        }
    }
}
