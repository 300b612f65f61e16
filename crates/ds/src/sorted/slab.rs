//! A shareable array of leaves, each found by its number in a few steps.
//!
//! A leaf keeps its number while it lives, so that the member index can name it. Nodes of 64 are shared by count:
//! a writer copies those on its way, and only while they are shared. Places of removed leaves are used again; when
//! most are free, the owner gives the last ones back, step by step, and is told which leaf moved by that.

use std::sync::Arc;

const NODE_BITS: u32 = 6;
const NODE_SLOTS: usize = 1 << NODE_BITS;

#[derive(Clone)]
pub(super) struct Slab<T> {
    root: Node<T>,
    /// Levels of nodes above the lowest.
    height: u32,
    /// Places that exist.
    len: u32,
    /// The first of a chain of places that are free.
    free: Option<u32>,
    /// Places that are in use.
    used: u32,
}

#[derive(Clone)]
enum Node<T> {
    Inner(Arc<Vec<Node<T>>>),
    Lowest(Arc<Vec<Place<T>>>),
}

#[derive(Clone)]
enum Place<T> {
    Used(T),
    Free { before: Option<u32>, next: Option<u32> },
}

impl<T: Clone> Slab<T> {
    pub(super) fn new() -> Self {
        Self { root: Node::Lowest(Arc::default()), height: 0, len: 0, free: None, used: 0 }
    }

    /// Bytes of the places; what leaves have behind them is not counted.
    pub(super) fn bytes(&self) -> usize {
        // Of the nodes above the lowest there is one to 64 places, and few above them.
        self.len as usize * size_of::<Place<T>>() + (self.len as usize >> NODE_BITS) * size_of::<Node<T>>()
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> &T {
        let mut node = &self.root;
        let mut shift = self.height * NODE_BITS;
        loop {
            match node {
                Node::Inner(nodes) => node = &nodes[(id >> shift) as usize % NODE_SLOTS],
                Node::Lowest(places) => match &places[id as usize % NODE_SLOTS] {
                    Place::Used(value) => return value,
                    Place::Free { .. } => unreachable!("the place is in use"),
                },
            }
            shift = shift.saturating_sub(NODE_BITS);
        }
    }

    fn place_mut(&mut self, id: u32) -> &mut Place<T> {
        let mut node = &mut self.root;
        let mut shift = self.height * NODE_BITS;
        loop {
            match node {
                Node::Inner(nodes) => node = &mut Arc::make_mut(nodes)[(id >> shift) as usize % NODE_SLOTS],
                Node::Lowest(places) => return &mut Arc::make_mut(places)[id as usize % NODE_SLOTS],
            }
            shift = shift.saturating_sub(NODE_BITS);
        }
    }

    pub(super) fn get_mut(&mut self, id: u32) -> &mut T {
        match self.place_mut(id) {
            Place::Used(value) => value,
            Place::Free { .. } => unreachable!("the place is in use"),
        }
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.used += 1;
        if let Some(id) = self.free {
            let place = self.place_mut(id);
            let Place::Free { before, next } = *place else { unreachable!("the place is free") };
            *place = Place::Used(value);
            self.unlink(before, next);
            return id;
        }
        let id = self.len;
        self.len = id.checked_add(1).expect("there are fewer than 2^32 leaves");
        if self.height < 5 && id == 1 << (NODE_BITS * (self.height + 1)) {
            let below = std::mem::replace(&mut self.root, Node::Inner(Arc::default()));
            self.root = Node::Inner(Arc::new(vec![below]));
            self.height += 1;
        }
        Self::append(&mut self.root, self.height, id, value);
        id
    }

    fn append(node: &mut Node<T>, height: u32, id: u32, value: T) {
        match node {
            Node::Lowest(places) => {
                let places = Arc::make_mut(places);
                if places.len() == places.capacity() {
                    places.reserve_exact(places.len() / 4 + 1);
                }
                places.push(Place::Used(value));
            }
            Node::Inner(nodes) => {
                let nodes = Arc::make_mut(nodes);
                let at = (id >> (height * NODE_BITS)) as usize % NODE_SLOTS;
                if nodes.len() == at {
                    nodes.push(if height == 1 {
                        Node::Lowest(Arc::default())
                    } else {
                        Node::Inner(Arc::default())
                    });
                }
                Self::append(&mut nodes[at], height - 1, id, value);
            }
        }
    }

    pub(super) fn remove(&mut self, id: u32) -> T {
        let next = self.free;
        let old = std::mem::replace(self.place_mut(id), Place::Free { before: None, next });
        let Place::Used(value) = old else { unreachable!("the place is in use") };
        if let Some(next) = next {
            self.link(next, |before, _| *before = Some(id));
        }
        self.free = Some(id);
        self.used -= 1;
        value
    }

    fn link(&mut self, id: u32, change: impl FnOnce(&mut Option<u32>, &mut Option<u32>)) {
        let Place::Free { before, next } = self.place_mut(id) else { unreachable!("the place is free") };
        change(before, next);
    }

    /// Takes a place between these two out of the chain.
    fn unlink(&mut self, before: Option<u32>, next: Option<u32>) {
        match before {
            Some(before) => self.link(before, |_, link| *link = next),
            None => self.free = next,
        }
        if let Some(next) = next {
            self.link(next, |link, _| *link = before);
        }
    }

    /// Whether most places are free, and so many that it matters.
    pub(super) fn is_sparse(&self) -> bool {
        NODE_SLOTS < self.len as usize && self.used < self.len / 2
    }

    /// Gives the last place back. What is in it moves to one that is free: from and to.
    pub(super) fn give_back(&mut self) -> Option<(u32, u32)> {
        let last = self.len - 1;
        let place = Self::pop(&mut self.root);
        self.len = last;
        while let Node::Inner(nodes) = &self.root
            && nodes.len() == 1
        {
            self.root = nodes[0].clone();
            self.height -= 1;
        }
        match place {
            Place::Free { before, next } => {
                self.unlink(before, next);
                None
            }
            Place::Used(value) => {
                self.used -= 1;
                Some((last, self.insert(value)))
            }
        }
    }

    fn pop(node: &mut Node<T>) -> Place<T> {
        match node {
            Node::Lowest(places) => Arc::make_mut(places).pop().expect("no node is empty"),
            Node::Inner(nodes) => {
                let nodes = Arc::make_mut(nodes);
                let last = nodes.last_mut().expect("no node is empty");
                let place = Self::pop(last);
                if last.is_empty() {
                    nodes.pop();
                }
                place
            }
        }
    }
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Inner(nodes) => nodes.is_empty(),
            Self::Lowest(places) => places.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn numbers_stay_and_are_used_again() {
        for seed in 0..4 {
            let mut rng = Rng::new(seed);
            let (mut slab, mut model) = (Slab::new(), BTreeMap::new());
            let mut clone = (slab.clone(), model.clone());
            for step in 0..40_000u64 {
                let grows = step < 15_000 || rng.one_in(3);
                if grows {
                    let id = slab.insert(step);
                    assert_eq!(model.insert(id, step), None, "seed {seed}");
                } else if let Some(id) =
                    model.keys().nth(rng.below(1 + model.len() as u64 / 100) as usize).copied()
                {
                    assert_eq!(slab.remove(id), model.remove(&id).unwrap(), "seed {seed}");
                }
                while !grows && slab.is_sparse() {
                    if let Some((from, to)) = slab.give_back() {
                        let value = model.remove(&from).unwrap();
                        assert_eq!(model.insert(to, value), None, "seed {seed}");
                    }
                    assert!(model.keys().all(|&id| id < slab.len), "seed {seed}");
                }
                if let Some((&id, value)) = model.iter_mut().next_back() {
                    *slab.get_mut(id) += 1;
                    *value += 1;
                }
                if rng.one_in(5000) {
                    assert!(clone.1.iter().all(|(&id, value)| clone.0.get(id) == value), "seed {seed}");
                    clone = (slab.clone(), model.clone());
                }
            }
            assert!(model.iter().all(|(&id, value)| slab.get(id) == value), "seed {seed}");
            assert!(slab.len as usize <= 20_000, "seed {seed}: places are used again");
            assert!(model.iter().all(|(&id, value)| slab.remove(id) == *value), "seed {seed}");
            while slab.is_sparse() {
                assert_eq!(slab.give_back(), None, "seed {seed}");
            }
            assert!(slab.len as usize <= NODE_SLOTS && slab.height == 0, "seed {seed}");
            assert!(clone.1.iter().all(|(&id, value)| clone.0.get(id) == value), "seed {seed}");
        }
    }
}
