//! What retention removes from the tables in memory, and what it never touches.

use std::collections::HashSet;

use siyu_model::clock::UtcMs;
use siyu_model::message::MessageStatus;
use siyu_model::run::RunStatus;
use siyu_model::stock::reservation::ReservationStatus;

use super::tables::Tables;
use crate::ports::rows::ScanPurpose;
use crate::ports::store::MaintenanceReport;

/// Whether a message still has to leave the host. One that was sent may wait for a receipt that never comes, so it goes
/// with retention like one that ended.
pub(super) fn is_on_its_way(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Planned | MessageStatus::TaskCreated | MessageStatus::StaffNotified)
}

impl Tables {
    /// Removes at most `rows` rows of each table that ended or happened before an instant.
    pub(super) fn purge(&mut self, before: UtcMs, rows: usize) -> MaintenanceReport {
        let removed = [
            self.purge_runs(before, rows),
            self.purge_events(before, rows),
            self.purge_messages(before, rows),
            self.purge_reservations(before, rows),
            self.purge_scans(before, rows),
        ];
        MaintenanceReport {
            rows: removed.iter().map(|count| *count as u64).sum(),
            more: rows > 0 && removed.iter().any(|count| *count >= rows),
            wal_bytes: 0,
        }
    }

    /// Ended runs with their journals; lines of journals count, so the last run goes only while there is room.
    fn purge_runs(&mut self, before: UtcMs, rows: usize) -> usize {
        let ended: Vec<_> = self
            .runs
            .values()
            .filter(|run| matches!(run.status, RunStatus::Ended { at, .. } if at < before))
            .take(rows)
            .map(|run| run.id)
            .collect();
        let (mut runs, mut lines) = (0, 0);
        for id in ended {
            if lines >= rows {
                break;
            }
            let journal: Vec<_> = self.journal.range((id, 0)..=(id, u32::MAX)).map(|(key, _)| *key).collect();
            for line in &journal {
                self.journal.remove(line);
            }
            self.runs.remove(&id);
            runs += 1;
            lines += journal.len();
        }
        runs + lines
    }

    fn purge_events(&mut self, before: UtcMs, rows: usize) -> usize {
        let open_runs = self.runs.values().filter(|run| !run.status.is_terminal());
        let open_scans = self.scans.values().filter(|scan| !scan.is_done);
        let of_scans = open_scans.filter_map(|scan| match &scan.purpose {
            ScanPurpose::Audience { event, .. } => Some(*event),
            ScanPurpose::Segment { .. } => None,
        });
        let needed: HashSet<_> = open_runs.filter_map(|run| run.event).chain(of_scans).collect();
        let old: Vec<_> = self
            .events
            .values()
            .filter(|event| event.recorded_at < before && !needed.contains(&event.seq))
            .take(rows)
            .map(|event| event.seq)
            .collect();
        for seq in &old {
            if let Some(event) = self.events.remove(seq) {
                self.dedupes.remove(&event.dedupe);
                for hash in event.matches {
                    self.matches.remove(&(hash, *seq));
                }
            }
        }
        old.len()
    }

    fn purge_messages(&mut self, before: UtcMs, rows: usize) -> usize {
        let over: Vec<_> = self
            .messages
            .values()
            .filter(|message| !is_on_its_way(message.status) && message.changed_at < before)
            .take(rows)
            .map(|message| message.id)
            .collect();
        over.iter().for_each(|id| drop(self.messages.remove(id)));
        over.len()
    }

    fn purge_reservations(&mut self, before: UtcMs, rows: usize) -> usize {
        let over: Vec<_> = self
            .reservations
            .values()
            .filter(|row| row.status != ReservationStatus::Held && row.expires_at < before)
            .take(rows)
            .map(|row| row.id)
            .collect();
        over.iter().for_each(|id| drop(self.reservations.remove(id)));
        over.len()
    }

    fn purge_scans(&mut self, before: UtcMs, rows: usize) -> usize {
        let over: Vec<_> = self
            .scans
            .values()
            .filter(|row| row.is_done && row.started_at < before)
            .take(rows)
            .map(|row| row.id)
            .collect();
        over.iter().for_each(|id| drop(self.scans.remove(id)));
        over.len()
    }
}
