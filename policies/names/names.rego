# METADATA
# title: Names
# description: |
#   Glob patterns over an entry's name and path, shared by both gates.
#   A pattern with a slash is matched against the whole path inside the source, any other against the last
#   name; `*` does not cross a slash, `**` does. Upper and lower case differ.
package holdfast.names

# METADATA
# description: |
#   True when not one of `patterns` matches the entry. A pattern that is not a valid glob, a list that is not
#   a list of strings, or an entry without name or path leaves this undefined, which callers take as a match.
none_match(patterns, entry) if {
	is_array(patterns)
	is_string(entry.name)
	is_string(entry.path)
	every pattern in patterns {
		glob.match(pattern, ["/"], _subject(pattern, entry)) == false
	}
}

# METADATA
# description: The path where the pattern has a slash, else the last name.
_subject(pattern, entry) := entry.path if contains(pattern, "/")

_subject(pattern, entry) := entry.name if not contains(pattern, "/")

# METADATA
# description: True for a valid glob.
is_pattern(pattern) if is_boolean(glob.match(pattern, ["/"], ""))
