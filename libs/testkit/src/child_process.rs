//! A program under test, with its output, its signals and its end.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// Kills the process `$1` when standard input ends, that is, when the test process has ended without doing so itself.
const TETHER: &str = "cat >/dev/null; kill -KILL \"$1\" 2>/dev/null";

/// Pause between two looks at the process.
const PAUSE: Duration = Duration::from_millis(10);

/// A running program. Killed when dropped, and when the test process ends, however that ends.
#[derive(Debug)]
pub struct ChildProcess {
    child: Child,
    /// A shell that holds the other end of a pipe to this process.
    tether: Option<Child>,
    /// Lines of standard output and standard error, in the order of their arrival. The two threads that read them hold a
    /// reference each until the output ends.
    lines: Arc<Mutex<Vec<String>>>,
}

impl ChildProcess {
    /// Starts `command` without standard input, and collects its output.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{command:?} does not start: {error}"),
        };
        let mut tether = Command::new("sh");
        tether.args(["-c", TETHER, "senani-testkit-tether", &child.id().to_string()]);
        let tether = match tether.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(tether) => Some(tether),
            Err(error) => panic!("`sh` does not start: {error}"),
        };
        let lines = Arc::default();
        collect(child.stdout.take(), &lines);
        collect(child.stderr.take(), &lines);
        Self { child, tether, lines }
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lines printed so far, on standard output and standard error.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.locked().clone()
    }

    /// Whether [`ChildProcess::output`] holds all that it will ever print: a moment after the process has ended.
    #[must_use]
    pub fn output_ended(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }

    /// Whether it has not ended. A stopped process is running.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.try_wait().is_none()
    }

    /// The first line that contains `text`, whether it was printed already or is still to come.
    ///
    /// # Panics
    /// With all of the output, when the deadline passes or the process ends without such a line.
    pub async fn wait_for_line(&mut self, text: &str, deadline: Duration) -> String {
        let end = Instant::now() + deadline;
        loop {
            // Asked before looking, so that what a process says last is still seen.
            let ended = !self.is_running() && self.output_ended();
            let line = self.locked().iter().find(|line| line.contains(text)).cloned();
            if let Some(line) = line {
                return line;
            }
            let output = || self.output().join("\n");
            assert!(!ended, "the process ended without a line with `{text}`; its output:\n{}", output());
            assert!(Instant::now() < end, "waited {deadline:?} for a line with `{text}`; the output:\n{}", output());
            sleep(PAUSE).await;
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// With all of its output, when the deadline passes.
    pub async fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.try_wait() {
                return status;
            }
            assert!(
                Instant::now() < end,
                "waited {deadline:?} for the process to end; its output:\n{}",
                self.output().join("\n")
            );
            sleep(PAUSE).await;
        }
    }

    /// `kill -9`: ends it on the spot, as a power cut would, and waits until it is gone. Nothing happens when it has ended.
    pub fn kill_nine(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        self.untie();
    }

    /// Asks it to end in good order (SIGTERM), as an orchestrator does.
    pub fn terminate(&mut self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks it to end in good order (SIGINT), as Ctrl-C does.
    pub fn interrupt(&mut self) {
        self.signal(Signal::SIGINT);
    }

    /// Freezes it (SIGSTOP): it keeps its connections, and answers nothing.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn cont(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// Signals it, unless it has ended: until it is waited for, its id is not given to anyone else.
    fn signal(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        let id = i32::try_from(self.child.id()).expect("process ids fit in pid_t");
        if let Err(error) = kill(Pid::from_raw(id), signal) {
            panic!("{signal} cannot be sent to process {id}: {error}");
        }
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        match self.child.try_wait() {
            Ok(status) => {
                if status.is_some() {
                    self.untie();
                }
                status
            }
            Err(error) => panic!("process {} cannot be waited for: {error}", self.child.id()),
        }
    }

    /// Ends the tether before the process id can be given to someone else.
    fn untie(&mut self) {
        if let Some(mut tether) = self.tether.take() {
            _ = tether.kill();
            _ = tether.wait();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.kill_nine();
    }
}

/// Reads `output` line by line until it ends.
fn collect(output: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let Some(output) = output else { return };
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(text);
            line.clear();
        }
    });
}
