//! What `check` found: as lines for people, coloured on a terminal, or as JSON for editors and CI. Remarks are about what
//! is sound and yet was hardly meant: they are told, and change no exit code.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use uphold_common::catalogue::alignment::Alignment;
use uphold_common::ids::TargetId;
use uphold_common::yaml::problem::{Problem, Problems};

use super::against::Changes;
use super::counted;

const PLACE: Style = Style::new().bold();
const KEY: Style = AnsiColor::Cyan.on_default();
const NEAREST: Style = AnsiColor::Green.on_default();
const SOUND: Style = AnsiColor::Green.on_default().bold();
const REMARK: Style = AnsiColor::Yellow.on_default().bold();
const WRONG: Style = AnsiColor::Red.on_default().bold();

/// Everything that was looked at.
#[derive(Debug, Default)]
pub(super) struct Findings {
    sound: Vec<(String, String)>,
    wrong: Vec<Finding>,
    count: usize,
    remarks: Vec<Finding>,
    changes: Option<Changes>,
}

/// One problem.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    /// Counts from 1; none when the problem is not in the file but with what it names.
    line: Option<usize>,
    column: Option<usize>,
    /// The keys that lead there.
    path: String,
    message: String,
}

/// The JSON form.
#[derive(Serialize)]
struct Shown<'f> {
    sound: bool,
    /// How many problems there are, shown or not.
    count: usize,
    problems: &'f [Finding],
    /// What is sound and yet was hardly meant.
    remarks: &'f [Finding],
    /// What would change after the other catalogue, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'f Changes>,
}

impl Findings {
    /// This is as it should be; `what` says what is in it.
    pub(super) fn sound(&mut self, path: &Path, what: &str) {
        self.sound.push((path.display().to_string(), what.to_owned()));
    }

    /// A key is right by itself, and what it names is not.
    pub(super) fn wrong(&mut self, path: &Path, key: &str, message: &impl ToString) {
        let (file, path, message) = (path.display().to_string(), key.to_owned(), message.to_string());
        self.wrong.push(Finding { file, line: None, column: None, path, message });
        self.count = self.count.saturating_add(1);
    }

    /// These are the problems of one reading.
    pub(super) fn problems(&mut self, problems: &Problems) {
        self.wrong.extend(problems.shown().iter().map(Finding::of));
        self.count = self.count.saturating_add(problems.count());
    }

    /// These are the remarks of one reading, which found no problem.
    pub(super) fn remarks(&mut self, remarks: &[Problem]) {
        self.remarks.extend(remarks.iter().map(Finding::of));
    }

    /// These targets are not underpinned.
    pub(super) fn not_underpinned(&mut self, path: &Path, found: &[Alignment]) {
        let file = path.display().to_string();
        for alignment in found {
            let TargetId { parent, child } = &alignment.target;
            let path = format!("agreements.{parent}.targets.{child}");
            let told = |why: &String| Finding {
                file: file.clone(),
                line: None,
                column: None,
                path: path.clone(),
                message: format!("not underpinned: {why}"),
            };
            self.remarks.extend(alignment.findings.iter().map(told));
        }
    }

    /// This would change after another catalogue; what would be refused is wrong.
    pub(super) fn against(&mut self, path: &Path, changes: Changes) {
        for refused in &changes.refused {
            self.wrong(path, "", &format!("{refused}: that would change the past, which takes a restatement"));
        }
        self.changes = Some(changes);
    }

    /// Whether everything is sound.
    pub(super) fn are_none(&self) -> bool {
        self.count == 0
    }

    /// One line a problem and one that counts them; what is sound is said of each file, then what is remarked.
    pub(super) fn print_text(&self) -> io::Result<()> {
        self.write_text(&mut anstream::stdout().lock())
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.wrong {
            finding.write(out, "")?;
        }
        let is_sound = |path: &str| self.wrong.iter().all(|finding| finding.file != path);
        for (path, what) in self.sound.iter().filter(|(path, _)| is_sound(path)) {
            let colon = if what.is_empty() { "" } else { ": " };
            writeln!(out, "{path} is {SOUND}sound{SOUND:#}{colon}{what}")?;
        }
        let remark = format!("{REMARK}remark{REMARK:#}: ");
        for finding in &self.remarks {
            finding.write(out, &remark)?;
        }
        if let Some(Changes { added, removed, changed, refused, effective_from, remarks }) = &self.changes {
            for (word, all) in [("new", added), ("gone", removed), ("changes", changed)] {
                all.iter().try_for_each(|what| writeln!(out, "{KEY}{what}{KEY:#} is {word}"))?;
            }
            if added.is_empty() && removed.is_empty() && changed.is_empty() && refused.is_empty() {
                writeln!(out, "nothing that is measured changes")?;
            }
            effective_from.iter().try_for_each(|told| writeln!(out, "{told}"))?;
            remarks.iter().try_for_each(|told| writeln!(out, "{remark}{told}"))?;
        }
        if !self.are_none() {
            let mut files: Vec<&str> = self.wrong.iter().map(|finding| finding.file.as_str()).collect();
            files.sort_unstable();
            files.dedup();
            let place = if let [file] = files.as_slice() { (*file).to_owned() } else { counted(files.len(), "file") };
            write!(out, "{WRONG}{}{WRONG:#} in {place}", counted(self.count, "problem"))?;
            if self.count > self.wrong.len() {
                write!(out, ", of which {} are shown", self.wrong.len())?;
            }
            writeln!(out)?;
        }
        out.flush()
    }

    /// The same as one JSON document.
    pub(super) fn print_json(&self) -> io::Result<()> {
        let (problems, remarks) = (self.wrong.as_slice(), self.remarks.as_slice());
        let shown =
            Shown { sound: self.are_none(), count: self.count, problems, remarks, changes: self.changes.as_ref() };
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &shown).map_err(io::Error::from)?;
        writeln!(out)?;
        out.flush()
    }
}

impl Finding {
    fn of(problem: &Problem) -> Self {
        let (place, path, message) = (&problem.place, problem.path.clone(), problem.message.clone());
        Self { file: place.file.to_string(), line: Some(place.line), column: Some(place.column), path, message }
    }

    fn write(&self, out: &mut impl Write, kind: &str) -> io::Result<()> {
        let numbers = [self.line, self.column].into_iter().flatten().map(|number| format!(":{number}"));
        write!(out, "{PLACE}{}{}{PLACE:#}: ", self.file, numbers.collect::<String>())?;
        if !self.path.is_empty() {
            write!(out, "{KEY}{}{KEY:#}: ", self.path)?;
        }
        write!(out, "{kind}")?;
        match self.message.split_once(" (did you mean ") {
            Some((message, nearest)) => writeln!(out, "{message} {NEAREST}(did you mean {nearest}{NEAREST:#}"),
            None => writeln!(out, "{}", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(findings: &Findings) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        findings.write_text(&mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn problems_come_first_then_what_is_sound_then_the_count() {
        let mut findings = Findings::default();
        let problems = uphold_common::yaml::read_file("b.yaml", "lisen: 1", |at| {
            at.mapping(|keys| keys.optional("listen", uphold_common::yaml::walk::At::text))
        });
        findings.sound(Path::new("a.yaml"), "1 service");
        assert!(findings.are_none());
        findings.problems(&problems.unwrap_err());
        assert_eq!(
            text(&findings),
            "b.yaml:1:1: unknown key \"lisen\" (did you mean \"listen\"?)\na.yaml is sound: 1 service\n1 problem in b.yaml\n"
        );
        findings.wrong(Path::new("c.yaml"), "catalogue", &"it is not there");
        assert!(
            text(&findings)
                .ends_with("c.yaml: catalogue: it is not there\na.yaml is sound: 1 service\n2 problems in 2 files\n")
        );
    }

    #[test]
    fn what_is_said_beside_the_changes_follows_them() {
        let mut findings = Findings::default();
        let effective_from = Some("effective_from is another".to_owned());
        let remarks = vec!["target sla/up: in vain".to_owned()];
        findings.against(Path::new("a.yaml"), Changes { effective_from, remarks, ..Changes::default() });
        assert!(findings.are_none());
        assert_eq!(
            text(&findings),
            "nothing that is measured changes\neffective_from is another\nremark: target sla/up: in vain\n"
        );
    }

    #[test]
    fn remarks_are_told_and_nothing_is_wrong() {
        let text_of = |agents: &str| {
            format!(
                "organisation: {{ name: Example, time_zone: UTC }}\nagents: [{{ id: b, labels: {{ site: geneva }} }}]\nservices:\n  \
                 - {{ id: s, name: s, probes: [{{ id: p, agents: {agents}, interval: 30s, timeout: 5s, tcp: {{ address: 'h:1' }} }}] }}\n"
            )
        };
        let read = |agents| uphold_common::catalogue::read(&[("a.yaml", text_of(agents))]).unwrap();
        let mut findings = Findings::default();
        findings.sound(Path::new("a.yaml"), "1 service");
        findings.remarks(&read("[b]").remarks);
        assert_eq!(text(&findings), "a.yaml is sound: 1 service\n");
        findings.remarks(&read("[a, { labels: { site: genva } }]").remarks);
        assert!(findings.are_none());
        assert_eq!(
            text(&findings),
            "a.yaml is sound: 1 service\na.yaml:4:53: services.s.probes.p.agents[1]: remark: no agent has the label \"site\" \
             with \"genva\" (did you mean \"geneva\"?): this chooses nobody yet\n"
        );
    }
}
