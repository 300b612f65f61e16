//! greylag-server: sockets, files, threads, clocks, signals.
