//! The pages of `docs/apps`, and the files that they show.

use std::{fs, net::SocketAddr, path::Path};

/// A page.
pub struct Page {
    name: String,
    text: String,
}

impl Page {
    pub fn read(name: &str) -> Self {
        let path = folder().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// Every page but the one that lists them.
    pub fn all() -> Vec<Self> {
        let names = fs::read_dir(folder()).expect("docs/apps").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name in ASCII")).collect();
        names.retain(|name| name != "README.md");
        names.sort();
        names.iter().map(|name| Self::read(name)).collect()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// A file that the page shows: the code block under a line that ends with its name, as in "`settings.py`:".
    pub fn file(&self, file: &str) -> String {
        let end = format!("`{file}`:\n\n```");
        let (_, block) = self.text.split_once(&end).unwrap_or_else(|| panic!("{} does not show {file}", self.name));
        let (_, block) = block.split_once('\n').expect("a code block has lines");
        let (block, _) = block.split_once("\n```\n").expect("a code block ends");
        format!("{block}\n")
    }

    /// The first code block in a language, without the indentation that it has in a list.
    pub fn block(&self, language: &str) -> String {
        let fence = format!("```{language}\n");
        let (before, block) =
            self.text.split_once(&fence).unwrap_or_else(|| panic!("{} shows no {language}", self.name));
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let lines = block.lines().map(|line| line.strip_prefix(indent).unwrap_or(line));
        lines.take_while(|line| *line != "```").collect::<Vec<_>>().join("\n")
    }

    /// The rows of the first table, which has two columns.
    pub fn table(&self) -> Vec<[&str; 2]> {
        let rows = self.text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let rows = rows.take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            [cells.next().unwrap_or_default(), cells.next().unwrap_or_default()]
        })
        .collect()
    }

    /// The same as [`Self::file`], for an app that listens elsewhere than the page says.
    pub fn file_at(&self, file: &str, shown: &str, app: SocketAddr) -> String {
        let text = self.file(file);
        assert!(text.contains(shown), "{file} of {} does not name {shown}", self.name);
        text.replace(shown, &app.to_string())
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/apps")
}
