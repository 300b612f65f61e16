#![no_main]
greylag_fuzz::fuzz!("listpack");
