//! The registry: a death against a reader of its slot, and the closing against a birth.

use std::ptr::NonNull;

use super::drop_probe::DropProbe;
use crate::runtime::modelled::registry::{Registry, Who};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A reader, and the end of what it looks at (2 threads). Nothing is looked at after its death, and
/// it stays dead. (With two readers, loom has two of three threads spin for the third for ever.)
pub fn a_removal_waits_for_the_reader() {
    explore("registry: a death waits for the reader", None, read);
}

/// Two readers (2 threads). Each sees who lives, and leaves everything as it was.
pub fn readers_wait_for_each_other() {
    explore("registry: readers wait for each other", None, read_twice);
}

/// A task is born by a parent that dies, into an array that the closer may have looked at already,
/// and another by a foreign thread (3 threads). Nobody lives in a registry that is closed.
pub fn nobody_lives_in_a_closed_registry() {
    explore("registry: nobody lives in a closed registry", None, close);
}

/// Somebody is born and dies while a reader, who was there before, looks at the array twice (2
/// threads). What is seen is whole, and alive.
pub fn an_insert_is_seen_whole() {
    explore("registry: a birth is seen whole", None, be_inserted);
}

/// A birth does not publish what is born.
pub fn without_the_release_of_an_insert() {
    explore(
        "registry twin",
        Some(Mutant::InsertUnpublished),
        be_inserted,
    );
}

/// A death does not wait for a reader.
pub fn without_the_wait_for_a_reader() {
    explore("registry twin", Some(Mutant::RemoveIgnoresReader), read);
}

/// The closer does not sum the births again.
pub fn without_the_second_sum() {
    explore("registry twin", Some(Mutant::CloseOnFirstSum), close);
}

/// A birth is counted before its slot is filled.
pub fn without_the_slot_before_the_count() {
    explore("registry twin", Some(Mutant::CountBeforeInsert), close);
}

/// The closed bit is looked at outside the lock under which a foreign birth happens.
pub fn without_the_lock_of_an_insert() {
    explore("registry twin", Some(Mutant::InsertUnlocked), close);
}

/// Somebody alive. Never freed before the model ends, so that a broken registry does no harm.
fn somebody() -> StdArc<DropProbe> {
    StdArc::new(DropProbe::new(&StdArc::default()))
}

fn address(somebody: &StdArc<DropProbe>) -> NonNull<DropProbe> {
    NonNull::from(&**somebody)
}

fn read() {
    let (registry, mut inserts) = Registry::new(1);
    let registry = Arc::new(registry);
    let somebody = somebody();
    let place = registry.insert(&mut inserts[0], 0, address(&somebody));
    let place = place.expect("the registry is open");
    let reader = {
        let (registry, somebody) = (registry.clone(), somebody.clone());
        thread::spawn(move || registry.read(|_| somebody.look()))
    };
    registry.remove(place, address(&somebody));
    // As the completer frees the task, if it has the last reference.
    somebody.touch();
    reader.join().expect("a panic would have ended the model");
    registry.read(|_| panic!("the dead have come back"));
}

fn be_inserted() {
    let (registry, mut inserts) = Registry::new(1);
    let registry = Arc::new(registry);
    // The page is there: its making would publish what is born first.
    let before = somebody();
    let place = registry.insert(&mut inserts[0], 0, address(&before));
    registry.remove(place.expect("the registry is open"), address(&before));
    let somebody = somebody();
    // The reader is the other thread: loom notes the last access to a slot alone, and of a birth that is
    // its own look at the slot, which would hide the reader's before it.
    let reader = {
        let (registry, somebody) = (registry.clone(), somebody.clone());
        thread::spawn(move || {
            registry.read(|_| somebody.look());
            registry.read(|_| somebody.look());
        })
    };
    // As a task is written before it is born, and freed after its death.
    somebody.touch();
    let place = registry.insert(&mut inserts[0], 0, address(&somebody));
    registry.remove(place.expect("the registry is open"), address(&somebody));
    somebody.touch();
    reader.join().expect("a panic would have ended the model");
}

fn read_twice() {
    let (registry, mut inserts) = Registry::new(1);
    let registry = Arc::new(registry);
    let somebody = somebody();
    let place = registry.insert(&mut inserts[0], 0, address(&somebody));
    let place = place.expect("the registry is open");
    let other = {
        let (registry, somebody) = (registry.clone(), somebody.clone());
        thread::spawn(move || registry.read(|_| somebody.touch()))
    };
    let mut seen = 0;
    registry.read(|_| {
        // One reader at a time: taking a reference is its alone.
        somebody.touch();
        seen += 1;
    });
    other.join().expect("a panic would have ended the model");
    registry.remove(place, address(&somebody));
    assert_eq!(seen, 1, "a reader missed somebody");
}

fn close() {
    let (registry, mut inserts) = Registry::new(2);
    let registry = Arc::new(registry);
    let [parent, child, stranger] = [(); 3].map(|()| somebody());
    let place = registry.insert(&mut inserts[1], 1, address(&parent));
    let place = place.expect("the registry is open");
    let worker = {
        let (registry, parent, child) = (registry.clone(), parent.clone(), child.clone());
        thread::spawn(move || {
            let inserted = registry.insert(&mut inserts[0], 0, address(&child));
            let inserted = inserted.expect("closed while the parent lived");
            registry.remove(place, address(&parent));
            registry.remove(inserted, address(&child));
        })
    };
    let foreigner = {
        let (registry, stranger) = (registry.clone(), stranger.clone());
        thread::spawn(move || {
            registry
                .insert_foreign(address(&stranger), Who::Anybody)
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
        registry.read(|_| panic!("somebody was born into a closed registry"));
    }
}
