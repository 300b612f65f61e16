//! Places on Earth as scores of a sorted set, and which scores a search looks at: in Redis's numbers and order.
//!
//! Longitude and latitude are cut into 2^26 steps each and their bits interleaved: 52 bits, which a score holds
//! exactly. Places near each other mostly share their first bits, so the places of a square of the grid are one range
//! of scores. A search takes squares at least as large as what it looks for, the one of its centre and the
//! eight around it, leaves out those that it can't reach, and then measures every place found.
//!
//! Latitudes end where a square map does. Distances are on a sphere.

use crate::number::{push_double_human, push_i64};
use std::f64::consts::PI;
use std::ops::Range;

pub const LONGITUDE_MAX: f64 = 180.0;
pub const LATITUDE_MAX: f64 = 85.05112878;
const LATITUDE_TEXT_MAX: f64 = 90.0;
const EARTH_RADIUS_M: f64 = 6372797.560856;
/// Half of the equator, on the map.
const MAP_RADIUS_M: f64 = 20037726.37;
/// The finest grid.
const STEP_MAX: u32 = 26;
const SCORE_BITS: u32 = 2 * STEP_MAX;

fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (PI / 180.0)
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub longitude: f64,
    pub latitude: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    M,
    Km,
    Ft,
    Mi,
}

impl Unit {
    pub fn parse(text: &[u8]) -> Option<Self> {
        let units = [(&b"m"[..], Self::M), (b"km", Self::Km), (b"ft", Self::Ft), (b"mi", Self::Mi)];
        units.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, unit)| unit)
    }

    pub fn meters(self) -> f64 {
        match self {
            Self::M => 1.0,
            Self::Km => 1000.0,
            Self::Ft => 0.3048,
            Self::Mi => 1609.34,
        }
    }
}

impl Place {
    /// A place of the map; `None` beside it.
    pub fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_there = (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&longitude)
            && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&latitude);
        is_there.then_some(Self { longitude, latitude })
    }

    pub fn score(self) -> f64 {
        self.score_bits() as f64
    }

    /// The score before it is a float: at the edge of the map it has more bits than a float holds.
    pub fn score_bits(self) -> u64 {
        self.square(STEP_MAX, LATITUDE_MAX).first_score()
    }

    /// The middle of the square that a score names.
    pub fn from_score(score: f64) -> Self {
        // What isn't the score of a place is taken as a processor converts it: by the low bits.
        let bits = match score {
            _ if score < 2f64.powi(63) => score as i64 as u64,
            _ if score < 2f64.powi(64) => score as u64,
            _ => 0,
        };
        let area = Square::of_bits(bits, STEP_MAX).area();
        let middle = |range: Range<f64>, most: f64| ((range.start + range.end) / 2.0).clamp(-most, most);
        Self {
            longitude: middle(area.longitude, LONGITUDE_MAX),
            latitude: middle(area.latitude, LATITUDE_MAX),
        }
    }

    pub fn distance_m(self, other: Self) -> f64 {
        // Also how to find that the longitudes are practically the same.
        let across = ((radians(other.longitude) - radians(self.longitude)) / 2.0).sin();
        if across == 0.0 {
            return self.latitude_distance_m(other);
        }
        let (here, there) = (radians(self.latitude), radians(other.latitude));
        let along = ((there - here) / 2.0).sin();
        let a = along * along + here.cos() * there.cos() * across * across;
        2.0 * EARTH_RADIUS_M * a.sqrt().asin()
    }

    fn latitude_distance_m(self, other: Self) -> f64 {
        EARTH_RADIUS_M * (radians(other.latitude) - radians(self.latitude)).abs()
    }

    /// The usual geohash. It has bits for ten characters and a half; the last one is always the same.
    pub fn text(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = self.square(STEP_MAX, LATITUDE_TEXT_MAX).first_score();
        let digit = |i: u32| if i < 10 { bits >> (SCORE_BITS - 5 * (i + 1)) & 31 } else { 0 };
        std::array::from_fn(|i| ALPHABET[digit(i as u32) as usize])
    }

    /// The square of a grid of 2^step by 2^step, over latitudes up to this one.
    fn square(self, step: u32, latitude_max: f64) -> Square {
        let cells = (1u64 << step) as f64;
        let cell = |at: f64, most: f64| ((at + most) / (most + most) * cells) as u32;
        Square { x: cell(self.longitude, LONGITUDE_MAX), y: cell(self.latitude, latitude_max), step }
    }
}

/// A square of a grid: columns from the west, rows from the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Square {
    x: u32,
    y: u32,
    step: u32,
}

struct Area {
    longitude: Range<f64>,
    latitude: Range<f64>,
}

/// Moves each bit to twice its place.
fn spread(n: u32) -> u64 {
    let n = u64::from(n);
    let n = (n | n << 16) & 0x0000_ffff_0000_ffff;
    let n = (n | n << 8) & 0x00ff_00ff_00ff_00ff;
    let n = (n | n << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let n = (n | n << 2) & 0x3333_3333_3333_3333;
    (n | n << 1) & 0x5555_5555_5555_5555
}

/// The bits of even places, moved together.
fn gather(n: u64) -> u32 {
    let n = n & 0x5555_5555_5555_5555;
    let n = (n | n >> 1) & 0x3333_3333_3333_3333;
    let n = (n | n >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let n = (n | n >> 4) & 0x00ff_00ff_00ff_00ff;
    let n = (n | n >> 8) & 0x0000_ffff_0000_ffff;
    (n | n >> 16) as u32
}

impl Square {
    fn of_bits(bits: u64, step: u32) -> Self {
        Self { x: gather(bits >> 1), y: gather(bits), step }
    }

    fn bits(self) -> u64 {
        spread(self.y) | spread(self.x) << 1
    }

    fn first_score(self) -> u64 {
        self.bits() << (SCORE_BITS - 2 * self.step)
    }

    fn scores(self) -> Range<u64> {
        self.first_score()..(self.bits() + 1) << (SCORE_BITS - 2 * self.step)
    }

    fn area(self) -> Area {
        let cells = (1u64 << self.step) as f64;
        let range = |cell: u32, most: f64| {
            let edge = |cell: f64| -most + cell / cells * (most + most);
            edge(f64::from(cell))..edge(f64::from(cell) + 1.0)
        };
        Area { longitude: range(self.x, LONGITUDE_MAX), latitude: range(self.y, LATITUDE_MAX) }
    }

    /// The square so many columns and rows away; around the map, in both directions.
    fn neighbour(self, columns: i32, rows: i32) -> Self {
        let go = |cell: u32, by: i32| {
            if by == 0 { cell } else { cell.wrapping_add_signed(by) & ((1 << self.step) - 1) }
        };
        Self { x: go(self.x, columns), y: go(self.y, rows), step: self.step }
    }
}

/// What to look for, in meters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Circle { radius_m: f64 },
    Box { width_m: f64, height_m: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    pub centre: Place,
    pub shape: Shape,
}

impl Search {
    /// The place of a score, and how far it is, if it is within.
    pub fn measure(&self, score: f64) -> Option<(Place, f64)> {
        let place = Place::from_score(score);
        let distance = match self.shape {
            Shape::Circle { radius_m } => {
                let distance = self.centre.distance_m(place);
                (distance <= radius_m).then_some(distance)?
            }
            Shape::Box { width_m, height_m } => {
                if height_m / 2.0 < place.latitude_distance_m(self.centre) {
                    return None;
                }
                let below = Place { latitude: place.latitude, ..self.centre };
                if width_m / 2.0 < place.distance_m(below) {
                    return None;
                }
                self.centre.distance_m(place)
            }
        };
        Some((place, distance))
    }

    /// The ranges of scores to look at, in the order in which their places are found.
    pub fn scores(&self) -> Vec<Range<u64>> {
        let squares = self.squares();
        let mut scores: Vec<Range<u64>> = Vec::with_capacity(squares.len());
        for (i, square) in squares.iter().enumerate() {
            // Around a coarse grid one comes to the same square again. What comes right behind the centre's is taken
            // twice even so.
            if i < 2 || squares[i - 1] != *square {
                scores.push(square.scores());
            }
        }
        scores
    }

    /// The sides of the centre's box, from the middle: to the west and east, to the south and north.
    fn bounds(&self) -> Area {
        let (width, height) = match self.shape {
            Shape::Circle { radius_m } => (radius_m, radius_m),
            Shape::Box { width_m, height_m } => (width_m / 2.0, height_m / 2.0),
        };
        let Place { longitude, latitude } = self.centre;
        let rows = degrees(height / EARTH_RADIUS_M);
        // The side that is nearer to the pole is the wider one.
        let widest = if latitude < 0.0 { latitude - rows } else { latitude + rows };
        let columns = degrees(width / EARTH_RADIUS_M / radians(widest).cos());
        Area {
            longitude: longitude - columns..longitude + columns,
            latitude: latitude - rows..latitude + rows,
        }
    }

    fn squares(&self) -> Vec<Square> {
        let bounds = self.bounds();
        let mut step = self.first_step();
        let mut middle = self.centre.square(step, LATITUDE_MAX);
        if 1 < step && !reaches(middle, &bounds) {
            step -= 1;
            middle = self.centre.square(step, LATITUDE_MAX);
        }
        let area = middle.area();
        // What lies beyond a side that the shape doesn't touch is left out; not on the coarsest grid, where it may be
        // reached from the other side.
        let is_fine = 2 <= step;
        let south = !(is_fine && area.latitude.start < bounds.latitude.start);
        let north = !(is_fine && bounds.latitude.end < area.latitude.end);
        let west = !(is_fine && area.longitude.start < bounds.longitude.start);
        let east = !(is_fine && bounds.longitude.end < area.longitude.end);
        let around = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let is_touched = |&(columns, rows): &(i32, i32)| {
            (0 < columns || columns == 0 || west)
                && (columns < 1 || east)
                && (-1 < rows || south)
                && (rows < 1 || north)
        };
        around.into_iter().filter(is_touched).map(|(columns, rows)| middle.neighbour(columns, rows)).collect()
    }

    /// The grid whose squares are about as large as the shape.
    fn first_step(&self) -> u32 {
        let mut reach = match self.shape {
            Shape::Circle { radius_m } => radius_m,
            Shape::Box { width_m, height_m } => {
                let (width, height) = (width_m / 2.0, height_m / 2.0);
                (width * width + height * height).sqrt()
            }
        };
        if reach == 0.0 {
            return STEP_MAX;
        }
        let mut step = 1i32;
        while reach < MAP_RADIUS_M {
            reach *= 2.0;
            step += 1;
        }
        // Two less, so that the shape is mostly within; and less near the poles, where squares are narrow.
        let latitude = self.centre.latitude.abs();
        step -= 2 + i32::from(66.0 < latitude) + i32::from(80.0 < latitude);
        step.clamp(1, STEP_MAX as i32) as u32
    }
}

/// Whether the squares around this one reach to the bounds.
fn reaches(middle: Square, bounds: &Area) -> bool {
    let north = middle.neighbour(0, 1).area().latitude.end;
    let south = middle.neighbour(0, -1).area().latitude.start;
    let east = middle.neighbour(1, 0).area().longitude.end;
    let west = middle.neighbour(-1, 0).area().longitude.start;
    !(north < bounds.latitude.end
        || bounds.latitude.start < south
        || east < bounds.longitude.end
        || bounds.longitude.start < west)
}

/// A distance as GEODIST and WITHDIST print it: four digits behind the point.
pub fn push_distance(out: &mut Vec<u8>, distance: f64) {
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    let (whole, fraction) = (scaled / 10_000, scaled % 10_000);
    push_i64(out, whole);
    out.push(b'.');
    out.extend([1000, 100, 10, 1].map(|unit| b'0' + (fraction / unit % 10) as u8));
}

/// A coordinate as GEOPOS and WITHCOORD print it: up to 17 digits behind the point.
pub fn push_coordinate(out: &mut Vec<u8>, coordinate: f64) {
    push_double_human(out, coordinate);
}

#[cfg(test)]
mod tests;
