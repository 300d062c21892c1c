//! The registry: a removal races with a reader of the slot, and the closing races with an insert.

use std::ptr::NonNull;

use super::drop_probe::DropProbe;
use crate::runtime::modelled::registry::{Registry, TaskKind};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A reader, and the removal of the value it reads (2 threads). The value is not read after its
/// removal, and stays removed. (With two readers, loom would let two of three threads spin for the
/// third for ever.)
pub fn a_removal_waits_for_the_reader() {
    explore("registry: a removal waits for the reader", None, read);
}

/// Two readers (2 threads). Each sees the inserted value, and leaves the slot unchanged.
pub fn readers_wait_for_each_other() {
    explore("registry: readers wait for each other", None, read_twice);
}

/// A task that ends inserts a child into an array that the closer may have scanned already, and a
/// foreign thread inserts another task (3 threads). A closed registry is empty.
pub fn nobody_lives_in_a_closed_registry() {
    explore("registry: a closed registry is empty", None, close);
}

/// A value is inserted and removed while a reader reads the array twice (2 threads). A value that
/// the reader sees is completely written, and not removed.
pub fn an_insert_is_seen_whole() {
    explore("registry: an insert is seen whole", None, be_inserted);
}

/// An insert does not publish the inserted value.
pub fn without_the_release_of_an_insert() {
    explore(
        "registry twin",
        Some(Mutant::InsertUnpublished),
        be_inserted,
    );
}

/// A removal does not wait for a reader.
pub fn without_the_wait_for_a_reader() {
    explore("registry twin", Some(Mutant::RemoveIgnoresReader), read);
}

/// The closer does not sum the insert counters again.
pub fn without_the_second_sum() {
    explore("registry twin", Some(Mutant::CloseOnFirstSum), close);
}

/// An insert is counted before its slot is filled.
pub fn without_the_slot_before_the_count() {
    explore("registry twin", Some(Mutant::CountBeforeInsert), close);
}

/// The closed flag is checked outside the lock under which a foreign insert happens.
pub fn without_the_lock_of_an_insert() {
    explore("registry twin", Some(Mutant::InsertUnlocked), close);
}

/// A value for the registry. Freed only when the model ends, so that a broken registry does no
/// harm.
fn new_value() -> StdArc<DropProbe> {
    StdArc::new(DropProbe::new(&StdArc::default()))
}

fn address(value: &StdArc<DropProbe>) -> NonNull<DropProbe> {
    NonNull::from(&**value)
}

fn read() {
    let (registry, mut writers) = Registry::new(1);
    let registry = Arc::new(registry);
    let value = new_value();
    let place = registry.insert(&mut writers[0], 0, address(&value));
    let place = place.expect("the registry is open");
    let reader = {
        let (registry, value) = (registry.clone(), value.clone());
        thread::spawn(move || registry.read(|_| value.look()))
    };
    registry.remove(place, address(&value));
    // As the completer frees the task, if it has the last reference.
    value.touch();
    reader.join().expect("a panic would have ended the model");
    registry.read(|_| panic!("a removed value has come back"));
}

fn be_inserted() {
    let (registry, mut writers) = Registry::new(1);
    let registry = Arc::new(registry);
    // Makes the page, whose making would publish the first value inserted after it.
    let before = new_value();
    let place = registry.insert(&mut writers[0], 0, address(&before));
    registry.remove(place.expect("the registry is open"), address(&before));
    let value = new_value();
    // The reader is the other thread: loom keeps only the last access to a slot. In an insert that
    // is the slot writer's own load, which would hide the reader's access before it.
    let reader = {
        let (registry, value) = (registry.clone(), value.clone());
        thread::spawn(move || {
            registry.read(|_| value.look());
            registry.read(|_| value.look());
        })
    };
    // As a task is written before its insertion, and freed after its removal.
    value.touch();
    let place = registry.insert(&mut writers[0], 0, address(&value));
    registry.remove(place.expect("the registry is open"), address(&value));
    value.touch();
    reader.join().expect("a panic would have ended the model");
}

fn read_twice() {
    let (registry, mut writers) = Registry::new(1);
    let registry = Arc::new(registry);
    let value = new_value();
    let place = registry.insert(&mut writers[0], 0, address(&value));
    let place = place.expect("the registry is open");
    let other = {
        let (registry, value) = (registry.clone(), value.clone());
        thread::spawn(move || registry.read(|_| value.touch()))
    };
    let mut seen = 0;
    registry.read(|_| {
        // Only one reader at a time may take a reference.
        value.touch();
        seen += 1;
    });
    other.join().expect("a panic would have ended the model");
    registry.remove(place, address(&value));
    assert_eq!(seen, 1, "a reader missed the value");
}

fn close() {
    let (registry, mut writers) = Registry::new(2);
    let registry = Arc::new(registry);
    let [parent, child, stranger] = [(); 3].map(|()| new_value());
    let place = registry.insert(&mut writers[1], 1, address(&parent));
    let place = place.expect("the registry is open");
    let worker = {
        let (registry, parent, child) = (registry.clone(), parent.clone(), child.clone());
        thread::spawn(move || {
            let inserted = registry.insert(&mut writers[0], 0, address(&child));
            let inserted = inserted.expect("closed while the parent was registered");
            registry.remove(place, address(&parent));
            registry.remove(inserted, address(&child));
        })
    };
    let foreigner = {
        let (registry, stranger) = (registry.clone(), stranger.clone());
        thread::spawn(move || {
            registry
                .insert_foreign(address(&stranger), TaskKind::Ordinary)
                .is_ok()
        })
    };
    if registry.close_if_empty() {
        registry.read(|_| panic!("somebody lives in a closed registry"));
    }
    worker.join().expect("a panic would have ended the model");
    foreigner
        .join()
        .expect("a panic would have ended the model");
    if registry.is_closed() {
        registry.read(|_| panic!("a value was inserted into a closed registry"));
    }
}
