#![no_main]
greylag_fuzz::fuzz!("zipmap");
