//! A disk of its own for a test: an ext4 file system in a file, whose power can be cut.
//!
//! It needs root and loop devices. Where they are missing it says so, and the test says that it was skipped.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `EXT4_IOC_SHUTDOWN`, and its flag for "write nothing more, not even the journal".
const SHUTDOWN: &str = r#"my $flag = pack("L", 2);
open(my $folder, "<", $ARGV[0]) or die "$!"; ioctl($folder, 0x8004587D, $flag) or die "$!";"#;

/// A file system in a file, mounted as long as this value lives.
pub(crate) struct Disk {
    image: PathBuf,
    mounted: PathBuf,
    /// Where a thin disk has its room.
    pool: Option<Pool>,
    /// How much a thin disk takes at once, as long as it is mounted.
    requests: RefCell<Option<Requests>>,
}

/// Bytes of a block, which is a page of the memory in which a thin disk has its room.
const BLOCK_BYTES: &str = "4096";

/// A disk that takes one block at once, of which there is no part: a loop device (Linux 6.18) calls a request done of which it wrote
/// only the first pages, and against a disk that lies nobody can do anything.
struct Requests {
    setting: PathBuf,
    before: String,
}

impl Requests {
    fn of_one_block(device: &Path) -> Result<Self, String> {
        let name = device.file_name().ok_or_else(|| format!("{}: expected a device", device.display()))?;
        let setting = Path::new("/sys/block").join(name).join("queue/max_sectors_kb");
        let told = |why| format!("{}: {why}", setting.display());
        let before = std::fs::read_to_string(&setting).map_err(told)?;
        std::fs::write(&setting, "4").map_err(told)?;
        Ok(Self { setting, before })
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // The device belongs to whoever takes it next, and its settings stay.
        drop(std::fs::write(&self.setting, &self.before));
    }
}

/// Room in memory that ends.
struct Pool(PathBuf);

impl Disk {
    /// Makes one of so many bytes; says why when this machine cannot.
    pub(crate) fn make(folder: &Path, name: &str, bytes: u64) -> Result<Self, String> {
        let image = folder.join(format!("{name}.img"));
        make_file_system(&image, bytes)?;
        Self::on(image, folder.join(name), None)
    }

    /// Makes one that promises more room than it has, as thin volumes do: see [`Disk::run_dry`].
    pub(crate) fn thin(folder: &Path, name: &str, bytes: u64) -> Result<Self, String> {
        let pool = Pool::make(folder.join(format!("{name}.pool")), bytes * 2)?;
        let image = pool.0.join("image");
        make_file_system(&image, bytes)?;
        // Everything gets its room now. What the file system does not use gives it back when it is trimmed.
        let written = std::fs::read(&image).and_then(|all| std::fs::write(&image, all));
        written.map_err(|why| why.to_string())?;
        let disk = Self::on(image, folder.join(name), Some(pool))?;
        call("fstrim", &[&disk.mounted])?;
        Ok(disk)
    }

    fn on(image: PathBuf, mounted: PathBuf, pool: Option<Pool>) -> Result<Self, String> {
        std::fs::create_dir(&mounted).map_err(|why| why.to_string())?;
        let disk = Self { image, mounted, pool, requests: RefCell::default() };
        disk.mount()?;
        // Now, and not in the middle of a test, it turns out whether the power can be cut here.
        disk.shut_down()?;
        disk.power_up();
        Ok(disk)
    }

    /// From now on a thin disk takes nothing for which it has no room yet. What is written first comes into memory, and the
    /// next sync fails; the one after it succeeds, although what could not be written was never written again.
    pub(crate) fn run_dry(&self) {
        self.leave(0);
    }

    /// The same with so many bytes of room left.
    pub(crate) fn leave(&self, bytes: u64) {
        let pool = self.pool.as_ref().expect("a thin disk");
        self.sync();
        call("fstrim", &[&self.mounted]).expect("unused room is given back");
        fill(&pool.0, bytes);
    }

    /// A thin disk has room again.
    pub(crate) fn refill(&self) {
        empty(&self.pool.as_ref().expect("a thin disk").0);
    }

    /// Where it is mounted.
    pub(crate) fn folder(&self) -> &Path {
        &self.mounted
    }

    fn mount(&self) -> Result<(), String> {
        call("mount", &[Path::new("-o"), Path::new("loop"), &self.image, &self.mounted])?;
        if self.pool.is_some() {
            let options = ["--noheadings", "--output", "SOURCE"].map(Path::new);
            let device = ask("findmnt", &[&options[..], &[&self.mounted]].concat())?;
            self.requests.replace(Some(Requests::of_one_block(Path::new(device.trim()))?));
        }
        Ok(())
    }

    fn unmount(&self) -> Result<(), String> {
        self.requests.take();
        call("umount", &[&self.mounted])
    }

    /// All that was written is on the disk.
    pub(crate) fn sync(&self) {
        call("sync", &[Path::new("--file-system"), &self.mounted]).expect("it is written");
    }

    /// From now on nothing reaches the disk, and whoever writes or syncs gets an error.
    pub(crate) fn cut_power(&self) {
        self.shut_down().expect("it is shut down");
    }

    fn shut_down(&self) -> Result<(), String> {
        call("perl", &[Path::new("-e"), Path::new(SHUTDOWN), &self.mounted])
    }

    /// What reached the disk is there again, and nothing else. Nobody may use it at this moment.
    pub(crate) fn power_up(&self) {
        self.unmount().expect("it can be unmounted");
        self.mount().expect("it can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The room of a thin disk goes after the disk.
        drop(self.unmount());
    }
}

impl Pool {
    fn make(folder: PathBuf, bytes: u64) -> Result<Self, String> {
        std::fs::create_dir(&folder).map_err(|why| why.to_string())?;
        let size = format!("size={bytes}");
        let options = ["-t", "tmpfs", "-o", &size, "tmpfs"].map(Path::new);
        call("mount", &[&options[..], &[&folder]].concat())?;
        Ok(Self(folder))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(call("umount", &[&self.0]));
    }
}

fn make_file_system(image: &Path, bytes: u64) -> Result<(), String> {
    let file = std::fs::File::create(image).map_err(|why| why.to_string())?;
    file.set_len(bytes).map_err(|why| why.to_string())?;
    let at_once = "lazy_itable_init=0,lazy_journal_init=0";
    let options = ["-q", "-F", "-b", BLOCK_BYTES, "-E", at_once].map(Path::new);
    call("mkfs.ext4", &[&options[..], &[image]].concat())
}

/// The file that takes the room which nobody is to have.
fn filler(folder: &Path) -> PathBuf {
    folder.join("filler")
}

/// Leaves so much room where a folder is.
pub(crate) fn fill(folder: &Path, bytes_left: u64) {
    // Somebody may be writing there: what was free a moment ago need not be free now.
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        empty(folder);
        let room = rustix::fs::statvfs(folder).expect("how much is free");
        let size = (room.f_bavail * room.f_frsize).saturating_sub(bytes_left).to_string();
        if size == "0"
            || call("fallocate", &[Path::new("--length"), Path::new(&size), &filler(folder)]).is_ok()
        {
            return;
        }
    }
    panic!("{} cannot be filled", folder.display());
}

/// Gives the room back.
pub(crate) fn empty(folder: &Path) {
    drop(std::fs::remove_file(filler(folder)));
}

fn call(program: &str, arguments: &[&Path]) -> Result<(), String> {
    ask(program, arguments).map(drop)
}

/// What a program prints.
fn ask(program: &str, arguments: &[&Path]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|why| format!("{program}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{program}: {}", said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
