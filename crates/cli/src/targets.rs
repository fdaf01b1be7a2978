//! Whom a recording follows: a program that is started, processes that run already, the whole machine.

use std::path::PathBuf;
use std::process::ExitStatus;

use anyhow::Result;
use kernel::launch::{Child, Command, is_32_bit};
use kernel::process::{self, Thread};
use kernel::session::Session;

use crate::args::Target;
use crate::recording::Recording;

/// Whom a recording follows.
#[derive(Debug)]
pub struct Targets {
    child: Option<Child>,
    attached: Vec<i32>,
    all: bool,
    status: Option<ExitStatus>,
}

impl Targets {
    /// True when 32-bit calls are to be expected: of the whole machine, or of a 32-bit program.
    pub fn expect_compat(target: &Target, command: Option<&Command>) -> bool {
        let image = |pid: &i32| PathBuf::from(format!("/proc/{pid}/exe"));
        target.all
            || command.is_some_and(Command::is_32_bit)
            || target.pids.iter().map(image).any(|image| is_32_bit(&image))
    }

    /// Finds the program before anything is started.
    pub fn find(target: &Target) -> Result<Option<Command>> {
        match target.program.split_first() {
            Some((program, args)) => Ok(Some(Command::find(program, args)?)),
            None => Ok(None),
        }
    }

    /// Starts the program (still held), marks running processes. Returns what ran already.
    ///
    /// To be called while this process has one thread.
    pub fn start(
        recording: &Recording,
        target: &Target,
        command: Option<Command>,
    ) -> Result<(Targets, Vec<Thread>)> {
        let tasks = recording.session.tasks();
        let child = command.map(|command| command.start(tasks)).transpose()?;
        let mut threads = Vec::new();
        threads.extend(child.as_ref().and_then(|child| process::thread(child.pid()).ok()));
        for pid in &target.pids {
            threads.extend(process::attach(tasks, *pid)?);
        }
        if target.all {
            tasks.mark(process::this_thread());
            tasks.trace_all_but_marked();
            for pid in process::processes().unwrap_or_default() {
                let tids = process::threads(pid).unwrap_or_default();
                threads.extend(tids.into_iter().filter_map(|tid| process::thread(tid).ok()));
            }
        }
        Ok((Targets { child, attached: target.pids.clone(), all: target.all, status: None }, threads))
    }

    /// Lets the program go.
    pub fn release(&mut self) -> Result<()> {
        if let Some(child) = &mut self.child {
            child.release()?;
        }
        Ok(())
    }

    /// The program's exit status, once it has one.
    pub fn status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.as_mut().and_then(Child::status);
        }
        self.status
    }

    /// True when the program has ended (and there was one).
    pub fn program_ended(&mut self) -> bool {
        self.child.is_some() && self.status().is_some()
    }

    /// True when nobody is left to follow.
    pub fn all_ended(&mut self, session: &Session) -> bool {
        if self.all || (self.child.is_some() && self.status().is_none()) {
            return false;
        }
        session.tasks().is_empty()
    }

    /// True when there are only attached processes.
    pub fn only_attached(&self) -> bool {
        self.child.is_none()
    }

    /// Processes that were attached to.
    pub fn attached(&self) -> &[i32] {
        &self.attached
    }
}
