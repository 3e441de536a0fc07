//! Sweeps from the store what dead owners staged there and no unit needs.

use std::collections::BTreeSet;

use aifirst_sandbox::RawRel;
use rusqlite::Connection;

use crate::disk::Place;
use crate::engine::Engine;
use crate::error::Result;
use crate::fault;
use crate::journal;
use crate::store::{Slot, Tag};

impl Engine {
    /// Removes what dead owners staged and no row needs; says how many objects.
    ///
    /// `alive` says whether an owner's lock is held. The caller holds the workspace's lock.
    ///
    /// # Errors
    /// `Database`; those of the disk.
    pub fn sweep(&self, conn: &Connection, alive: &dyn Fn(&str) -> bool) -> Result<u64> {
        let disk = self.disk();
        let store =
            |text: &str| -> Result<Place> { Ok(Place::store(&RawRel::parse(text.as_bytes())?)) };
        // Who ends properly takes its registration along: mostly there is nothing to look for, and
        // the whole store need not be listed to learn that.
        let orphaned = disk
            .list(&store("s")?)?
            .iter()
            .any(|entry| Tag::parse(&entry.name).is_some_and(|(owner, _)| !alive(&owner)));
        if !orphaned {
            return Ok(0);
        }
        // Objects first: an owner that registers after this has no object among them.
        let mut slots = Vec::new();
        for byte in 0..=255_u8 {
            for entry in disk.list(&store(&format!("k/{byte:02x}"))?)? {
                slots.extend(Slot::parse(&entry.name));
            }
        }
        let mut living = BTreeSet::new();
        let mut dead = Vec::new();
        for entry in disk.list(&store("s")?)? {
            match Tag::parse(&entry.name) {
                Some((owner, tag)) if alive(&owner) => {
                    living.insert(tag);
                }
                Some((owner, tag)) => dead.push(tag.registration(&owner)?),
                None => {}
            }
        }
        let mut swept = 0;
        for slot in slots {
            if !living.contains(&slot.tag()) && !journal::needs_slot(conn, slot)? {
                fault::point("sweep.object")?;
                disk.discard(&slot.place().path)?;
                swept += 1;
            }
        }
        for registration in dead {
            disk.discard(&registration)?;
        }
        Ok(swept)
    }
}
