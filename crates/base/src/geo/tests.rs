//! The cases of `redis.txt`, and what holds for any place.

use super::*;
use crate::rng::Rng;
use std::collections::HashMap;

fn text(push: fn(&mut Vec<u8>, f64), number: f64) -> String {
    let mut out = Vec::new();
    push(&mut out, number);
    String::from_utf8(out).unwrap()
}

/// The set's elements in order.
fn found(set: &[(u64, String)], search: &Search, unit: Unit) -> String {
    let mut out = Vec::new();
    for scores in search.scores() {
        for (score, name) in set.iter().filter(|(score, _)| scores.contains(score)) {
            if let Some((_, distance)) = search.measure(*score as f64) {
                out.push(format!("{name}:{}", text(push_distance, distance / unit.meters())));
            }
        }
    }
    out.join(" ")
}

#[test]
fn everything_is_as_redis_says() {
    let (mut places, mut set) = (HashMap::new(), Vec::new());
    let mut searches = 0;
    for line in include_str!("redis.txt").lines().filter(|line| !line.starts_with('#')) {
        let (asked, want) = line.split_once(" =").unwrap();
        let want = want.trim_start();
        let words: Vec<&str> = asked.split(' ').collect();
        let number = |i: usize| words[i].parse::<f64>().unwrap();
        let unit = || Unit::parse(words[3].as_bytes()).unwrap();
        match words[0] {
            "place" => {
                let score = Place::new(number(2), number(3)).unwrap().score();
                let place = Place::from_score(score);
                let (longitude, latitude) = (place.longitude, place.latitude);
                let [longitude, latitude] = [longitude, latitude].map(|c| text(push_coordinate, c));
                let hash = String::from_utf8(place.text().to_vec()).unwrap();
                assert_eq!(format!("{score} {longitude} {latitude} {hash}"), want, "{asked}");
                places.insert(words[1], place);
                set.push((score as u64, words[1].to_string()));
                set.sort();
            }
            "distance" => {
                let distance = places[words[1]].distance_m(places[words[2]]);
                assert_eq!(text(push_distance, distance / unit().meters()), want, "{asked}");
            }
            shape => {
                let meters = |i: usize| number(i) * unit().meters();
                let shape = match shape {
                    "circle" => Shape::Circle { radius_m: meters(4) },
                    _ => Shape::Box { width_m: meters(4), height_m: meters(5) },
                };
                let search = Search { centre: Place::new(number(1), number(2)).unwrap(), shape };
                assert_eq!(found(&set, &search, unit()), want, "{asked}");
                searches += 1;
            }
        }
    }
    assert!(60 < searches, "the cases are there");
}

#[test]
fn a_place_is_near_its_score() {
    let mut rng = Rng::new(1);
    for _ in 0..20_000 {
        let coordinate = |rng: &mut Rng, most: f64| (rng.unit() * 2.0 - 1.0) * most;
        let place =
            Place::new(coordinate(&mut rng, LONGITUDE_MAX), coordinate(&mut rng, LATITUDE_MAX)).unwrap();
        let score = place.score();
        let again = Place::from_score(score);
        assert!(place.distance_m(again) < 0.6, "{place:?}");
        assert_eq!(again.score(), score, "{place:?}");
        let (columns, rows) = (rng.below(3) as i32 - 1, rng.below(3) as i32 - 1);
        let square = place.square(1 + rng.below(26) as u32, LATITUDE_MAX);
        assert_eq!(square.neighbour(columns, rows).neighbour(-columns, -rows), square);
        assert_eq!(Square::of_bits(square.bits(), square.step), square);
        assert!(square.scores().contains(&(score as u64)));
    }
}

/// Within the half of the map that a circle doesn't wrap around, a search finds all that a walk finds.
#[test]
fn a_search_finds_what_is_there() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let centre = Place::new(rng.unit() * 160.0 - 80.0, rng.unit() * 120.0 - 60.0).unwrap();
        let width = 10f64.powf(rng.unit() * 2.0 - 2.0);
        let near = |rng: &mut Rng| (rng.unit() - 0.5) * width;
        let places: Vec<Place> = (0..300)
            .map(|_| Place::new(centre.longitude + near(&mut rng), centre.latitude + near(&mut rng)).unwrap())
            .collect();
        let meters = width * 111_000.0 * rng.unit();
        let shape = if rng.one_in(2) {
            Shape::Circle { radius_m: meters / 2.0 }
        } else {
            Shape::Box { width_m: meters, height_m: meters * rng.unit() }
        };
        let search = Search { centre, shape };
        let scores = search.scores();
        for place in places {
            let score = place.score();
            let is_looked_at = scores.iter().any(|range| range.contains(&(score as u64)));
            assert!(is_looked_at || search.measure(score).is_none(), "seed {seed}: {place:?}");
        }
    }
}

#[test]
fn beside_the_map_is_no_place() {
    for (longitude, latitude) in [
        (180.1, 0.0),
        (-180.1, 0.0),
        (0.0, 85.06),
        (0.0, -85.06),
        (f64::NAN, 0.0),
        (0.0, f64::NAN),
        (f64::INFINITY, 0.0),
    ] {
        assert_eq!(Place::new(longitude, latitude), None);
    }
    assert!(
        Unit::parse(b"KM") == Some(Unit::Km) && Unit::parse(b"yd").is_none() && Unit::parse(b"").is_none()
    );
}

/// Scores that no place has: some place, never a panic.
#[test]
fn any_score_is_read() {
    for score in
        [-1.0, -0.0, 0.5, 2f64.powi(52), 2f64.powi(63), 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY]
    {
        let place = Place::from_score(score);
        assert!(Place::new(place.longitude, place.latitude).is_some(), "{score}");
    }
    let nowhere =
        Search { centre: Place { longitude: 0.0, latitude: 0.0 }, shape: Shape::Circle { radius_m: 0.0 } };
    assert_eq!(nowhere.measure(nowhere.centre.score() + 1.0), None);
}

#[test]
fn numbers_print() {
    for (distance, want) in [(0.0, "0.0000"), (0.00004, "0.0000"), (0.00006, "0.0001"), (1.0, "1.0000")] {
        assert_eq!(text(push_distance, distance), want);
    }
    assert_eq!(text(push_distance, 166274.15156960033), "166274.1516");
    for (coordinate, want) in
        [(0.0, "0"), (-0.0, "0"), (1e-20, "0"), (-1e-20, "0"), (-12.5, "-12.5"), (100.0, "100")]
    {
        assert_eq!(text(push_coordinate, coordinate), want);
    }
}
