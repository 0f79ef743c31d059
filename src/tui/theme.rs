//! How things look: roles, and `themes/*.toml` which give each role a style.
//!
//! View code names roles, never colours. Colours degrade to what the terminal has; without colours the
//! attributes (bold, reversed, underlined) stay, so that every theme can be read in monochrome.

use ratatui::style::{Color, Modifier, Style};
use toml::de::DeValue;

use crate::tui::toml_file::{Entry, FileError, Source, nearest, printable, read, text_of};

/// The themes that are built in.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("classic", include_str!("../../themes/classic.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// How many colours the terminal has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Colours {
    /// None, or `NO_COLOR` is set.
    None,
    /// The eight of ANSI.
    Eight,
    /// The 256 of xterm.
    Palette,
    /// 24 bits.
    True,
}

/// What a thing on the screen is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names in ROLES say it")]
pub enum Role {
    Body,
    Title,
    TitleClosed,
    Ruler,
    RulerFocus,
    Cursor,
    CursorElsewhere,
    Status,
    StatusError,
    Prompt,
    MenuKey,
    MenuLabel,
    FolderUnread,
    FolderDirectory,
    IndexNew,
    IndexImportant,
    IndexDeleted,
    HeaderName,
    Header,
    Quote1,
    Quote2,
    Quote3,
    Signature,
    Note,
    Warning,
    Link,
    LinkSelected,
    Strong,
    Emphasis,
    Code,
    Match,
    Foreign,
}

/// Every role with its section and name in theme files.
pub const ROLES: [(Role, &str, &str); 32] = [
    (Role::Body, "screen", "body"),
    (Role::Title, "screen", "title"),
    (Role::TitleClosed, "screen", "title-closed"),
    (Role::Ruler, "screen", "ruler"),
    (Role::RulerFocus, "screen", "ruler-focus"),
    (Role::Cursor, "screen", "cursor"),
    (Role::CursorElsewhere, "screen", "cursor-elsewhere"),
    (Role::Status, "screen", "status"),
    (Role::StatusError, "screen", "status-error"),
    (Role::Prompt, "screen", "prompt"),
    (Role::MenuKey, "screen", "menu-key"),
    (Role::MenuLabel, "screen", "menu-label"),
    (Role::FolderUnread, "folders", "unread"),
    (Role::FolderDirectory, "folders", "directory"),
    (Role::IndexNew, "index", "new"),
    (Role::IndexImportant, "index", "important"),
    (Role::IndexDeleted, "index", "deleted"),
    (Role::HeaderName, "text", "header-name"),
    (Role::Header, "text", "header"),
    (Role::Quote1, "text", "quote1"),
    (Role::Quote2, "text", "quote2"),
    (Role::Quote3, "text", "quote3"),
    (Role::Signature, "text", "signature"),
    (Role::Note, "text", "note"),
    (Role::Warning, "text", "warning"),
    (Role::Link, "text", "link"),
    (Role::LinkSelected, "text", "link-selected"),
    (Role::Strong, "text", "strong"),
    (Role::Emphasis, "text", "emphasis"),
    (Role::Code, "text", "code"),
    (Role::Match, "text", "match"),
    (Role::Foreign, "text", "foreign"),
];

/// A style for each role.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: [Style; ROLES.len()],
}

impl Theme {
    /// Reads a theme and fits it to the terminal. Fails on unknown roles, colours and attributes.
    pub fn load(source: &Source, colours: Colours) -> Result<Self, FileError> {
        let (file, text) = text_of(source, &BUILT_IN)?;
        let mut styles = [Style::new(); ROLES.len()];
        read(&file, text, known_section, |entry| {
            let place = role_named(entry)?;
            styles[place] = style_of(entry.value, colours)?;
            Ok(())
        })?;
        Ok(Self { styles })
    }

    /// How `role` looks.
    pub fn style(&self, role: Role) -> Style {
        let place = ROLES.iter().position(|entry| entry.0 == role);
        place.map_or_else(Style::new, |place| self.styles[place])
    }
}

fn known_section(section: &str) -> Result<(), String> {
    let mut names = ROLES.iter().map(|entry| entry.1);
    if names.clone().any(|name| name == section) {
        return Ok(());
    }
    let hint = nearest(section, &mut names);
    Err(format!(
        "there is no section [{}]{hint}",
        printable(section)
    ))
}

fn role_named(entry: &Entry<'_>) -> Result<usize, String> {
    let found = ROLES
        .iter()
        .position(|role| role.1 == entry.section && role.2 == entry.name);
    found.ok_or_else(|| {
        let here = ROLES.iter().filter(|role| role.1 == entry.section);
        let hint = nearest(entry.name, here.map(|role| role.2));
        format!(
            "there is no \"{}\" in [{}]{hint}",
            printable(entry.name),
            entry.section
        )
    })
}

const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

fn style_of(value: &DeValue<'_>, colours: Colours) -> Result<Style, String> {
    let Some(table) = value.as_table() else {
        return Err("expected { fg = \"…\", bg = \"…\", bold = true … }".to_owned());
    };
    let mut style = Style::new();
    let mut filled = false;
    for (name, value) in table {
        let name: &str = name.get_ref();
        let value = value.get_ref();
        if let Some(entry) = ATTRIBUTES.iter().find(|entry| entry.0 == name) {
            let on = value.as_bool();
            let on = on.ok_or_else(|| format!("{name} is true or false"))?;
            style = if on {
                style.add_modifier(entry.1)
            } else {
                style
            };
            continue;
        }
        let colour = value.as_str().map(|text| colour_named(text, colours));
        match (name, colour) {
            ("fg", Some(colour)) => style.fg = colour?,
            ("bg", Some(colour)) => {
                style.bg = colour?;
                filled = style.bg.is_none() && value.as_str() != Some("black");
            }
            ("fg" | "bg", None) => return Err(format!("{name} is a colour, in quotes")),
            _ => {
                let known = ATTRIBUTES.iter().map(|entry| entry.0).chain(["fg", "bg"]);
                let hint = nearest(name, known);
                return Err(format!("there is no \"{}\"{hint}", printable(name)));
            }
        }
    }
    // a filled area must be told from the rest without colours too
    Ok(if filled {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    })
}

const NAMED: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// The colour with this name, a number of the xterm palette, or `#rrggbb`, as near as the terminal can show it.
fn colour_named(text: &str, colours: Colours) -> Result<Option<Color>, String> {
    let unknown = || {
        let hint = nearest(text, NAMED.iter().map(|entry| entry.0));
        format!("there is no colour \"{}\"{hint}", printable(text))
    };
    let named = NAMED.iter().find(|entry| entry.0 == text);
    let colour = match (named, text.strip_prefix('#')) {
        (Some(entry), _) => entry.1,
        (None, Some(digits)) if digits.len() == 6 => {
            let number = u32::from_str_radix(digits, 16).map_err(|_| unknown())?;
            let [_, red, green, blue] = number.to_be_bytes();
            Color::Rgb(red, green, blue)
        }
        _ => Color::Indexed(text.parse().map_err(|_| unknown())?),
    };
    Ok(degrade(colour, colours))
}

fn degrade(colour: Color, colours: Colours) -> Option<Color> {
    match (colours, colour) {
        (Colours::None, _) => None,
        (Colours::True, colour) => Some(colour),
        (Colours::Palette, Color::Rgb(red, green, blue)) => {
            let level = |value: u8| (u16::from(value) * 5 + 127) / 255;
            let cube = 16 + 36 * level(red) + 6 * level(green) + level(blue);
            u8::try_from(cube).ok().map(Color::Indexed)
        }
        (Colours::Palette, colour) => Some(colour),
        (Colours::Eight, Color::Rgb(red, green, blue)) => Some(nearest_of_eight(red, green, blue)),
        (Colours::Eight, Color::Indexed(number)) => {
            let (red, green, blue) = rgb_of(number);
            Some(nearest_of_eight(red, green, blue))
        }
        (Colours::Eight, colour) => Some(dull(colour)),
    }
}

/// The colour of the eight that stands for a bright one.
fn dull(colour: Color) -> Color {
    match colour {
        Color::DarkGray => Color::Black,
        Color::LightRed => Color::Red,
        Color::LightGreen => Color::Green,
        Color::LightYellow => Color::Yellow,
        Color::LightBlue => Color::Blue,
        Color::LightMagenta => Color::Magenta,
        Color::LightCyan => Color::Cyan,
        Color::White => Color::Gray,
        colour => colour,
    }
}

fn nearest_of_eight(red: u8, green: u8, blue: u8) -> Color {
    let strong = red.max(green).max(blue);
    let bit = |value: u8| u8::from(value > 80 && value > strong / 2);
    let number = bit(red) + 2 * bit(green) + 4 * bit(blue);
    NAMED[1 + usize::from(number)].1
}

fn rgb_of(number: u8) -> (u8, u8, u8) {
    match number {
        0..16 => {
            let bit = |place: u8| if number >> place & 1 == 1 { 200 } else { 0 };
            (bit(0), bit(1), bit(2))
        }
        16..232 => {
            let cube = number - 16;
            let level = |value: u8| value * 51;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232.. => {
            let grey = 8 + (number - 232) * 10;
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_themes_give_every_role_and_survive_without_colours() {
        for (name, text) in BUILT_IN {
            let source = Source::BuiltIn(name.to_owned());
            for colours in [
                Colours::None,
                Colours::Eight,
                Colours::Palette,
                Colours::True,
            ] {
                let theme = Theme::load(&source, colours).expect("loads");
                for role in [Role::Cursor, Role::Title, Role::Prompt, Role::LinkSelected] {
                    let plain = theme.style(role) == theme.style(Role::Body);
                    assert!(!plain, "{name} {colours:?} {role:?}");
                }
            }
            for (_, _, role) in ROLES {
                assert!(
                    text.contains(&format!("\n{role} = ")),
                    "{name} lacks {role}"
                );
            }
        }
    }

    #[test]
    fn errors_name_the_line_and_colours_degrade() {
        let load = |text: &str| {
            let source = Source::File {
                name: "t.toml".to_owned(),
                text: text.to_owned(),
            };
            Theme::load(&source, Colours::True)
                .err()
                .map(|error| error.to_string())
        };
        let error = load("[index]\nnew = { fg = \"yelow\" }");
        assert_eq!(
            error.as_deref(),
            Some("t.toml, line 2: there is no colour \"yelow\"; did you mean \"yellow\"?")
        );
        assert!(load("[index]\nnwe = {}").is_some_and(|text| text.contains("\"new\"")));
        assert_eq!(
            degrade(Color::Rgb(255, 0, 0), Colours::Palette),
            Some(Color::Indexed(196))
        );
        assert_eq!(
            degrade(Color::Indexed(196), Colours::Eight),
            Some(Color::Red)
        );
        assert_eq!(degrade(Color::Red, Colours::None), None);
    }
}
