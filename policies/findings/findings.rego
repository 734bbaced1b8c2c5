# METADATA
# title: Findings
# description: |
#   What is wrong with configuration and data although it has the right form. A bundle with findings is never loaded in
#   the place of another.
package holdfast.findings

import data.holdfast.names

# METADATA
# description: The data laid over the rules.
_defaults := data.holdfast.defaults

# METADATA
# description: The rendered configuration.
_config := data.holdfast.config

# METADATA
# title: Findings
# description: Sentences for people, each with the path of the key.
# entrypoint: true
all contains sprintf("%s: %q is not a pattern", [concat(".", path), pattern]) if {
	some path, pattern in _patterns
	not names.is_pattern(pattern)
}

all contains sprintf("classify.%s.sources: there is no source %s", [name, source]) if {
	some name, rule in _defaults.classify
	some source in rule.sources
	not source in object.keys(_config.sources)
}

all contains sprintf("destinations: there is no destination %s", [name]) if {
	some name, _ in _defaults.destinations
	not name in object.keys(_config.destinations)
}

all contains sprintf("sources.%s.destinations: there is no destination %s", [name, destination]) if {
	some name, source in _config.sources
	some destination in source.destinations
	not destination in object.keys(_config.destinations)
}

all contains sprintf("sources.%s.retention_class: there is no retention class %s", [name, source.retention_class]) if {
	some name, source in _config.sources
	not source.retention_class in object.keys(_defaults.retention_classes)
}

all contains sprintf("classifications.%s.approvals: %d are needed, and %d persons may give one", [name, class.approvals, persons]) if {
	some name, class in _defaults.classifications
	persons := count([approver |
		some approver in _defaults.approvers
		name in object.get(approver, "classifications", [name])
	])
	class.approvals > persons
}

all contains sprintf("classifications.%s.rank: %s has the same", [name, other]) if {
	some name, class in _defaults.classifications
	some other, same in _defaults.classifications
	name < other
	class.rank == same.rank
}

# METADATA
# description: Every pattern there is, by the path of its key.
_patterns[path] := pattern if {
	some name, rule in _defaults.classify
	some key in ["patterns", "media_types"]
	some index, pattern in rule[key]
	path := ["classify", name, key, format_int(index, 10)]
}

_patterns[path] := pattern if {
	some key in ["deny_names", "deny_media_types"]
	some index, pattern in _defaults.limits[key]
	path := ["limits", key, format_int(index, 10)]
}

_patterns[path] := pattern if {
	some name, source in _config.sources
	some gate in ["admission", "release"]
	some key in ["deny_names", "deny_media_types"]
	some index, pattern in source[gate][key]
	path := ["sources", name, gate, key, format_int(index, 10)]
}
