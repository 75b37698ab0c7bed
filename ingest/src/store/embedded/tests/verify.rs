//! P6, evident: whoever changes a row without the key is found, and the row is named; whatever they do to it.

use super::{
    whole::{day, server_key},
    *,
};
use crate::{
    disk::Disk,
    store::{
        embedded::{Why, end_record, verify},
        evidence::{BadRow, NotVerified, Verified},
    },
};
use rusqlite::{Connection, types::Value as Sql};
use std::path::Path;

fn check(folder: &Path) -> Result<Verified, NotVerified> {
    verify(&Folder::new(folder), &KEYS, false, |_| {})
}

/// The row that is named.
fn named(folder: &Path) -> Result<BadRow, String> {
    match check(folder) {
        Err(NotVerified::Bad(bad)) => Ok(bad),
        other => Err(format!("{other:?}")),
    }
}

/// A closed store with rows of every kind, and the rows as they were in the middle of the day.
struct Base {
    folder: TempDir,
    earlier: Vec<(Table, Vec<Vec<Sql>>)>,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    columns: Vec<String>,
    keys: Vec<usize>,
}

const TABLES: [&str; 15] = [
    "about", "name", "entry", "known", "record", "item", "account", "alert", "timer", "job", "unjudged", "judged",
    "refusal", "root", "damage",
];

impl Table {
    fn all(sqlite: &Connection) -> Vec<Self> {
        let mut names: Vec<String> = sqlite
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        names.sort();
        let mut known = TABLES.map(ToOwned::to_owned);
        known.sort();
        assert_eq!(names, known, "a table that nobody verifies");
        names.into_iter().map(|name| Self::of(sqlite, name)).collect()
    }

    fn of(sqlite: &Connection, name: String) -> Self {
        let mut about = sqlite.prepare(&format!("SELECT name, pk FROM pragma_table_info('{name}')")).unwrap();
        let columns: Vec<(String, i64)> =
            about.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
        let keys = (0..columns.len()).filter(|column| columns[*column].1 > 0).collect();
        Self { name, columns: columns.into_iter().map(|(name, _)| name).collect(), keys }
    }

    fn rows(&self, sqlite: &Connection) -> Vec<Vec<Sql>> {
        let columns = self.columns.join(", ");
        let mut query = sqlite.prepare(&format!("SELECT {columns} FROM {}", self.name)).unwrap();
        let read = |row: &rusqlite::Row<'_>| (0..self.columns.len()).map(|column| row.get(column)).collect();
        query.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn delete(&self, sqlite: &Connection, row: &[Sql]) {
        let found: Vec<String> = self.keys.iter().map(|key| format!("{} = ?", self.columns[*key])).collect();
        let sql = format!("DELETE FROM {} WHERE {}", self.name, found.join(" AND "));
        let keys = self.keys.iter().map(|key| &row[*key]);
        assert_eq!(sqlite.execute(&sql, rusqlite::params_from_iter(keys)).unwrap(), 1, "{sql}");
    }

    fn insert(&self, sqlite: &Connection, row: &[Sql]) {
        let places = vec!["?"; self.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", self.name, self.columns.join(", "));
        sqlite.execute(&sql, rusqlite::params_from_iter(row)).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn is_key(&self, column: usize) -> bool {
        self.keys.contains(&column)
    }
}

impl Base {
    async fn new() -> Self {
        let mut it = Fixture::new();
        let earlier = std::cell::RefCell::new(Vec::new());
        day(&mut it, async |it| {
            let sqlite = it.sqlite();
            *earlier.borrow_mut() =
                Table::all(&sqlite).into_iter().map(|table| (table.clone(), table.rows(&sqlite))).collect();
        })
        .await;
        it.store.close().await;
        let Fixture { folder, store, .. } = it;
        drop(store);
        // One of the three people's record has ended, so rows that were emptied are among the others.
        end_record(folder.path(), &KEYS, &server_key(), (&pt(3), &Why::TimeIsOver), |_step| {}, at(200_000)).unwrap();
        Self { folder, earlier: earlier.into_inner() }
    }

    fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(self.folder.path().join(DATABASE_FILE), copy.path().join(DATABASE_FILE)).unwrap();
        copy
    }

    fn sqlite(folder: &Path) -> Connection {
        let sqlite = Connection::open(folder.join(DATABASE_FILE)).unwrap();
        for pragma in ["foreign_keys = OFF", "ignore_check_constraints = ON", "synchronous = OFF"] {
            sqlite.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        }
        sqlite
    }

    /// Does something to a copy, and gives back which row is named.
    fn after(&self, change: impl FnOnce(&Connection)) -> Result<BadRow, String> {
        let copy = self.copy();
        let sqlite = Self::sqlite(copy.path());
        change(&sqlite);
        sqlite.close().unwrap();
        named(copy.path())
    }
}

/// The tables that may rightly be named for what was done to this one: where two disagree, whichever is looked at first.
fn is_told(bad: &BadRow, table: &str) -> bool {
    match table {
        "unjudged" | "judged" => ["unjudged", "judged"].contains(&bad.table),
        "refusal" => ["refusal", "known", "record"].contains(&bad.table),
        _ => bad.table == table,
    }
}

fn changed(value: &Sql) -> Sql {
    match value {
        Sql::Null => Sql::Integer(1),
        Sql::Integer(number) => Sql::Integer(number + 1_000_000_007),
        Sql::Real(_) => panic!("no such"),
        Sql::Text(text) => Sql::Text(format!("{text} ")),
        Sql::Blob(bytes) => {
            let mut bytes = bytes.clone();
            let middle = bytes.len() / 2;
            match bytes.get_mut(middle) {
                Some(byte) => *byte ^= 0x10,
                None => bytes.push(0x10),
            }
            Sql::Blob(bytes)
        }
    }
}

#[tokio::test]
async fn a_sound_store_passes_open_or_closed_and_says_what_it_holds() {
    let mut it = Fixture::new();
    day(&mut it, async |_| {}).await;
    let counted = std::sync::Mutex::new(0);
    let open = it
        .store
        .verify(&Access::system(Purpose::Verify), &|progress| {
            *counted.lock().unwrap() = progress.checked;
        })
        .await
        .unwrap();
    assert_eq!(*counted.lock().unwrap(), open.checked);
    assert_eq!((open.entries, open.roots, open.alerts), (it.count("entry").cast_unsigned(), 2, 4));
    assert_eq!(open.readings, u64::try_from(it.stored().await).unwrap());
    assert_eq!(open.chains, 3 + 1 + 1, "three people, the hub with an inbox, and the service");
    let root = open.newest_root.clone().unwrap();
    assert_eq!((root.n, root.at, root.key), (2, at(2 * 86_400), server_key().public()));
    assert!(root.is_signed());
    assert_eq!(verify(&Folder::new(it.folder.path()), &KEYS, true, |_| {}).unwrap(), open, "beside the service");
    it.store.close().await;
    assert_eq!(verify(&Folder::new(it.folder.path()), &KEYS, true, |_| {}).unwrap(), open, "without it");
    assert!(matches!(
        verify(&Folder::new(it.folder.path()), &StoreKeys { chain: [8; 32] }, false, |_| {}),
        Err(NotVerified::Open(super::super::OpenError::OtherKeys))
    ));
    let before = std::fs::read(it.folder.path().join(DATABASE_FILE)).unwrap();
    check(it.folder.path()).unwrap();
    assert_eq!(std::fs::read(it.folder.path().join(DATABASE_FILE)).unwrap(), before, "nothing was written");
}

#[tokio::test]
async fn a_row_that_is_deleted_is_missed() {
    let base = Base::new().await;
    let sqlite = Base::sqlite(base.folder.path());
    let mut tried = 0;
    for table in Table::all(&sqlite) {
        for row in table.rows(&sqlite) {
            // Without the mark of the keys the store does not open at all.
            if row[0] == Sql::Text("keys".to_owned()) {
                continue;
            }
            let bad = base.after(|sqlite| table.delete(sqlite, &row));
            let bad = bad.unwrap_or_else(|seen| panic!("{} {:?} deleted: {seen}", table.name, &row[..2]));
            assert!(is_told(&bad, &table.name), "{} {:?} deleted: {bad}", table.name, &row[..2]);
            tried += 1;
        }
    }
    assert!(tried > 130, "{tried}");
}

#[tokio::test]
async fn a_value_that_is_changed_is_found_in_every_column_of_every_table() {
    let base = Base::new().await;
    let sqlite = Base::sqlite(base.folder.path());
    let mut tried = 0;
    for table in Table::all(&sqlite) {
        let mut rows = table.rows(&sqlite);
        // The first, one between, and the last.
        if let [first, .., last] = rows.as_slice() {
            rows = vec![first.clone(), rows[rows.len() / 2].clone(), last.clone()];
        }
        for row in rows {
            for column in 0..row.len() {
                // The mark of the keys; the number of a timer, which nothing names.
                if row[0] == Sql::Text("keys".to_owned()) || (&*table.name, column) == ("timer", 0) {
                    continue;
                }
                let mut other = row.clone();
                other[column] = match (&row[column], &*table.name) {
                    (Sql::Null, "refusal") => Sql::Blob(vec![7; 16]),
                    (value, _) => changed(value),
                };
                let bad = base.after(|sqlite| {
                    table.delete(sqlite, &row);
                    table.insert(sqlite, &other);
                });
                let what = format!("{}.{} of {:?}", table.name, table.columns[column], &row[..2]);
                let bad = bad.unwrap_or_else(|seen| panic!("{what} changed: {seen}"));
                assert!(is_told(&bad, &table.name), "{what} changed: {bad}");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[tokio::test]
async fn two_rows_whose_contents_change_places_are_found() {
    let base = Base::new().await;
    let sqlite = Base::sqlite(base.folder.path());
    let mut tried = 0;
    for table in Table::all(&sqlite) {
        for pair in table.rows(&sqlite).windows(2) {
            let [one, other] = pair else { continue };
            // The number of a timer names nothing, so that two of them in each other's place are as they were.
            if ["about", "timer"].contains(&&*table.name) || table.columns.len() == table.keys.len() {
                continue;
            }
            let swap = |mine: &Vec<Sql>, theirs: &Vec<Sql>| -> Vec<Sql> {
                let column = |at: usize| if table.is_key(at) { mine[at].clone() } else { theirs[at].clone() };
                (0..mine.len()).map(column).collect()
            };
            let (first, second) = (swap(one, other), swap(other, one));
            if first == *one {
                continue;
            }
            let bad = base.after(|sqlite| {
                table.delete(sqlite, one);
                table.delete(sqlite, other);
                table.insert(sqlite, &first);
                table.insert(sqlite, &second);
            });
            let what = format!("{} {:?} and {:?}", table.name, &one[..2], &other[..2]);
            let bad = bad.unwrap_or_else(|seen| panic!("{what} swapped: {seen}"));
            assert!(is_told(&bad, &table.name), "{what} swapped: {bad}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[tokio::test]
async fn a_row_that_is_put_back_to_what_it_was_is_found() {
    let base = Base::new().await;
    let sqlite = Base::sqlite(base.folder.path());
    let mut tried = Vec::new();
    for (table, earlier) in &base.earlier {
        let now = table.rows(&sqlite);
        for before in earlier {
            let same_key = |row: &&Vec<Sql>| table.keys.iter().all(|key| row[*key] == before[*key]);
            match now.iter().find(same_key) {
                Some(row) if row == before => continue,
                row => {
                    let bad = base.after(|sqlite| {
                        row.into_iter().for_each(|row| table.delete(sqlite, row));
                        table.insert(sqlite, before);
                    });
                    let what = format!("{} {:?}", table.name, &before[..2]);
                    let bad = bad.unwrap_or_else(|seen| panic!("{what} put back: {seen}"));
                    let tables = if table.name == "about" { bad.table.to_owned() } else { table.name.clone() };
                    assert!(is_told(&bad, &tables), "{what} put back: {bad}");
                    tried.push(table.name.clone());
                }
            }
        }
    }
    tried.dedup();
    tried.sort();
    let changed = ["about", "account", "alert", "entry", "item", "job", "name", "record", "timer"];
    assert_eq!(tried, changed, "what is ever changed, or emptied");
}

#[tokio::test]
async fn a_row_that_is_added_is_found() {
    let base = Base::new().await;
    let sqlite = Base::sqlite(base.folder.path());
    for table in Table::all(&sqlite) {
        let rows = table.rows(&sqlite);
        // A copy of the last row under a key of its own; what must be one of a kind is changed, too.
        let Some(mut row) = rows.last().cloned() else { continue };
        for column in table.keys.iter().copied().chain((table.columns[1] == "id").then_some(1)) {
            row[column] = changed(&row[column]);
        }
        match table.name.as_str() {
            // A name that nothing asks for is not read.
            "about" => continue,
            "alert" => row[3] = changed(&row[3]),
            "item" => row[4] = changed(&row[4]),
            "timer" => row[1] = changed(&row[1]),
            _ => {}
        }
        let bad = base.after(|sqlite| table.insert(sqlite, &row));
        let bad = bad.unwrap_or_else(|seen| panic!("{} {:?} added: {seen}", table.name, &row[..2]));
        assert!(is_told(&bad, &table.name), "{} {:?} added: {bad}", table.name, &row[..2]);
    }
}

#[tokio::test]
async fn a_store_that_is_rolled_back_whole_passes_and_a_witness_finds_it() {
    let mut it = Fixture::new();
    day(&mut it, async |_| {}).await;
    it.store.close().await;
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(it.folder.path().join(DATABASE_FILE), copy.path().join(DATABASE_FILE)).unwrap();
    let it = it.reopened().await;
    let after = it.offer(&calm(&pt(1), 99, 3 * 86_400), at(3 * 86_400)).await.chain_head.unwrap();
    let receive = Access::system(Purpose::Receive);
    assert_eq!(it.store.witnessed(&receive, vec![(pt(1), after)]).await.unwrap(), [true]);
    it.store.close().await;
    assert!(check(copy.path()).is_ok(), "an older copy agrees with itself");
    let old = Fixture { store: Arc::new(open(&copy).unwrap()), folder: copy, decide: by_demo_pack() };
    assert_eq!(old.store.witnessed(&receive, vec![(pt(1), after)]).await.unwrap(), [false], "but not with a hub");
    // Nor once other entries have come in its place.
    for n in 0..5 {
        old.offer(&calm(&pt(1), 200 + n, 3 * 86_400), at(3 * 86_400)).await;
    }
    assert_eq!(old.store.witnessed(&receive, vec![(pt(1), after)]).await.unwrap(), [false]);
}

#[tokio::test]
async fn it_goes_on_beside_a_service_that_writes() {
    let mut it = Fixture::new();
    day(&mut it, async |_| {}).await;
    let it = Arc::new(it);
    let writer = {
        let it = it.clone();
        tokio::spawn(async move {
            for n in 0..300 {
                it.offer(&red(&pt(4 + n % 50), 1000 + u32::try_from(n).unwrap(), 200_000), at(200_000)).await;
            }
        })
    };
    let folder = it.folder.path().to_owned();
    let beside = tokio::task::spawn_blocking(move || {
        let mut passes = 0;
        loop {
            let verified = verify(&Folder::new(&folder), &KEYS, false, |_| {}).unwrap();
            passes += 1;
            if verified.entries >= 300 {
                return passes;
            }
        }
    });
    writer.await.unwrap();
    assert!(beside.await.unwrap() > 0);
    let verified = it.store.verify(&Access::system(Purpose::Verify), &|_| {}).await.unwrap();
    assert!(verified.chains > 50);
}

#[test]
fn a_folder_without_a_store_is_not_made_into_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(check(folder.path()), Err(NotVerified::Open(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(Folder::new(folder.path()).open_reader().is_err());
}
