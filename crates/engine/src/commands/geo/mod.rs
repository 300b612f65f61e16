//! Places on the map, as sorted sets whose scores name squares ([`base::geo`]): [`places`] by themselves, and
//! [`search`] for those near a place.

pub(super) mod places;
pub(super) mod search;

use crate::error::Error;
use crate::row::{Categories, Doc, KeySpec, Meta};
use base::geo::{Place, Unit, push_coordinate, push_distance};
use base::number::parse_f64;
use resp::{Proto, Reply};

const GEO: Meta = Meta { group: "geo", categories: Categories::GEO, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const LONGITUDE: Doc = Doc::new("longitude", "double");
const LATITUDE: Doc = Doc::new("latitude", "double");
const UNIT: Doc = Doc::one_of(
    "unit",
    &[Doc::flag("m", "M"), Doc::flag("km", "KM"), Doc::flag("ft", "FT"), Doc::flag("mi", "MI")],
);

const fn at(first: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first, last: 0, step: 1, notes: "" }
}

fn place(longitude: &[u8], latitude: &[u8]) -> Result<Place, Error> {
    let longitude = parse_f64(longitude).ok_or(Error::NotFloat)?;
    let latitude = parse_f64(latitude).ok_or(Error::NotFloat)?;
    Place::new(longitude, latitude).ok_or_else(|| {
        Error::owned(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    })
}

fn unit(word: &[u8]) -> Result<Unit, Error> {
    Unit::parse(word).ok_or(Error::text("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

fn reply_place(out: &mut Reply, place: Place) {
    out.array(2);
    reply_coordinate(out, place.longitude);
    reply_coordinate(out, place.latitude);
}

fn reply_coordinate(out: &mut Reply, coordinate: f64) {
    let mut text = Vec::new();
    push_coordinate(&mut text, coordinate);
    if out.proto() == Proto::Resp2 {
        return out.bulk(&text);
    }
    out.raw(b",");
    out.raw(&text);
    out.raw(b"\r\n");
}

fn reply_distance(out: &mut Reply, distance: f64) {
    let mut text = Vec::new();
    push_distance(&mut text, distance);
    out.bulk(&text);
}
