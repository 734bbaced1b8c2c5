# METADATA
# title: Traits
# description: |
#   What the gates are told of a single file. All that depends on its name, path, type, size or hash is judged here, by
#   functions of the source's name and the file (`entry` and `content`), and becomes the gates' `input.traits`; of the
#   file itself they see nothing. So a gate is asked once for all files that differ in no trait and no other fact,
#   and the fewer values a trait has, the less is asked. What is missing or out of form ends in a reason that denies.
package holdfast.traits

import data.holdfast.names
import data.holdfast.reasons

# METADATA
# description: The data the rules judge by.
_defaults := data.holdfast.defaults

# METADATA
# description: The rules of a source; undefined for an unknown one.
_source(name) := data.holdfast.config.sources[name]

# METADATA
# title: Traits for admission
# description: How the file is classified, how it is to be compressed, and what of it denies.
admission(source, file) := {
	"classification": classification,
	"compression": _compression(file),
	"reasons": _not_admitted(source, file, classification),
} if {
	classification := _classification(source, file)
}

# METADATA
# title: Traits for release
# description: What of the file keeps it on the host.
release(source, file) := {"reasons": _not_released(source, file)}

# METADATA
# title: Why it is classified so
# description: For people, what gave a file's classification, and the classification of each rule that matches it.
# entrypoint: true
explanation := {
	"by": classified(input.source.name, input),
	"matching": matching(input.source.name, input),
}

# METADATA
# description: Reasons of the file itself against backing it up, sorted.
_not_admitted(source, file, classification) := [] if {
	file_valid(file)
	file.content.sizeBytes <= _largest(source, classification)
	_kind_admitted(source, file.content.mediaType, file.entry.extension)
	_name_admitted(source, file.entry)
} else := sort(union({
	{reasons.reason("input_invalid") | not file_valid(file)},
	{reasons.reason("size_over_limit") | not size_within_limits(source, classification, _told(file, "content", "sizeBytes"))},
	{reasons.reason("media_type_denied") | not media_type_admitted(source, _told(file, "content", "mediaType"))},
	{reasons.reason("name_denied") | not name_admitted(source, object.get(file, "entry", null))},
	{reasons.reason("extension_denied") | not extension_admitted(source, _told(file, "entry", "extension"))},
}))

# METADATA
# description: Reasons of the file itself against letting it go, sorted.
_not_released(source, file) := [] if {
	_named_and_counted(file)
	name_released(source, file.entry)
} else := sort(union({
	{reasons.reason("input_invalid") | not _named_and_counted(file)},
	{reasons.reason("name_denied") | not name_released(source, object.get(file, "entry", null))},
}))

# METADATA
# description: A fact of the file; null where it is missing, so that `not` finds that no check holds for it.
_told(file, part, fact) := object.get(file, [part, fact], null)

# METADATA
# description: Every fact of the file that admission needs is there and in form.
file_valid(file) if {
	_named_and_counted(file)
	is_string(file.content.mediaType)
}

# METADATA
# description: The name, the size and the hash are there and in form.
_named_and_counted(file) if {
	is_string(file.entry.path)
	is_string(file.entry.name)
	is_string(file.entry.extension)
	is_number(file.content.sizeBytes)
	file.content.sizeBytes >= 0
	file.content.sizeBytes == floor(file.content.sizeBytes)
	regex.match(`^[0-9a-f]{64}$`, file.content.sha256)
}

# METADATA
# description: Neither the general limit, nor the source's, nor the classification's is passed.
size_within_limits(source, classification, size) if {
	is_count(size)
	size <= _largest(source, classification)
}

# METADATA
# description: The smallest of the three limits; undefined where one is no size.
_largest(source, classification) := min(limits) if {
	general := _defaults.limits.max_size_bytes
	limits := [
		general,
		object.get(_source(source), ["admission", "max_size_bytes"], general),
		object.get(_defaults.classifications[classification], "max_size_bytes", general),
	]
	every limit in limits { is_count(limit) }
}

# METADATA
# description: What is denied in general, then what is denied for the source; undefined where one is no list.
_denied(source, what) := array.concat(_defaults.limits[what], object.get(_source(source), ["admission", what], []))

# METADATA
# description: No pattern denies the media type.
media_type_admitted(source, type) if names.none_match(_denied(source, "deny_media_types"), _typed(type))

# METADATA
# description: No pattern denies the name.
name_admitted(source, entry) if names.none_match(_denied(source, "deny_names"), entry)

# METADATA
# description: The extension is not denied.
extension_admitted(source, extension) if {
	is_string(extension)
	every denied in _denied(source, "deny_extensions") { denied != extension }
}

# METADATA
# description: Neither the media type nor the extension is denied; found once for each.
_kind_admitted(source, type, extension) if {
	media_type_admitted(source, type)
	extension_admitted(source, extension)
}

# METADATA
# description: As `name_admitted` of a file in form; where no name is denied none has to be looked at.
_name_admitted(source, entry) if {
	_denied(source, "deny_names") == []
} else if name_admitted(source, entry)

# METADATA
# description: No pattern keeps the name on the host.
name_released(source, entry) if {
	names.none_match(object.get(_source(source), ["release", "deny_names"], []), entry)
}

# METADATA
# description: |
#   What nobody classified, or a rule that cannot be understood might, is treated as the most sensitive.
_classification(source, file) := usual.classification if {
	usual := _unless_named(source, file.entry.extension)
	not lower(file.entry.name) in usual.names
} else := found if {
	found := classified(source, file).classification
} else := "restricted"

# METADATA
# description: |
#   Where the rules about the source and the extension each want certain names: these, and how a file is classified that
#   has none of them. Found once for each: hardly any file has to be held against the rules themselves.
_unless_named(source, extension) := {"names": names, "classification": classification} if {
	rules := _rules(source, extension)
	every rule in rules { is_array(rule.names) }
	names := {name | some rule in rules; some name in rule.names}
	classification := classified(source, {"entry": {"name": "", "extension": extension}}).classification
	not "" in names
}

# METADATA
# title: What gave the classification
# description: The source's own setting, the first of the highest rules by name, or the data's default.
classified(source, file) := found if {
	found := _fixed(source)
} else := {"rule": "incomprehensible", "classification": "restricted"} if {
	_incomprehensible
} else := found if {
	found := _highest(matching(source, file))
} else := {"rule": "default", "classification": _defaults.classification}

# METADATA
# description: The classification that is set for the source.
_fixed(source) := {"rule": "source", "classification": rules.classification} if {
	rules := _source(source)
	"classification" in object.keys(rules)
}

# METADATA
# description: Of matching rules the one with the highest rank, the first by name.
_highest(found) := {"rule": rule, "classification": found[rule]} if {
	count(found) > 0
	ranks := {name: _defaults.classifications[class].rank | some name, class in found}
	rule := min({name | some name, rank in ranks; rank == max({other | some other in ranks})})
}

# METADATA
# title: Matching rules
# description: The classification of each rule of classification that matches, by its name.
matching(source, file) := {name: rule.classification |
	lower_name := lower(file.entry.name)
	some name, rule in _rules(source, file.entry.extension)
	lower_name in object.get(rule, "names", [lower_name])
	_matches(rule, file, lower_name)
}

# METADATA
# description: The rules of classification that are about the source and the extension; found once for each.
_rules(source, extension) := {name: rule |
	some name, rule in _defaults.classify
	source in object.get(rule, "sources", [source])
	extension in object.get(rule, "extensions", [extension])
}

# METADATA
# description: All else that a rule states holds; a condition that is not stated holds.
_matches(rule, file, lower_name) if {
	file.content.sizeBytes > object.get(rule, "larger_than_bytes", -1)
	file.content.sizeBytes < object.get(rule, "smaller_than_bytes", file.content.sizeBytes + 1)
	not _other_name(rule, file.entry, lower_name)
	not _other_media_type(rule, file.content.mediaType)
}

# METADATA
# description: The rule has patterns, and none of them matches.
_other_name(rule, entry, lower_name) if {
	names.none_match(rule.patterns, {"name": lower_name, "path": lower(entry.path)})
}

# METADATA
# description: The rule has media types, and none of them matches.
_other_media_type(rule, type) if names.none_match(rule.media_types, _typed(type))

# METADATA
# description: The media type in the form that patterns are matched against.
_typed(type) := {"name": type, "path": type}

# METADATA
# description: A rule of classification has a pattern that is none.
_incomprehensible if {
	some rule in _defaults.classify
	some key in ["patterns", "media_types"]
	some pattern in rule[key]
	not names.is_pattern(pattern)
}

# METADATA
# description: |
#   `none` for what is compressed already or of no known type, `larger` for what is to be compressed faster, else `usual`.
_compression(file) := _compression_of(file.content.mediaType, is_larger) if {
	is_larger := file.content.sizeBytes > _defaults.compression.larger.than_bytes
} else := "none"

# METADATA
# description: The same by what it depends on; found once for each.
_compression_of(type, is_larger) := "none" if {
	not _compressible(type)
} else := "larger" if {
	is_larger
} else := "usual"

# METADATA
# description: Not compressed already, by its media type.
_compressible(type) if {
	is_string(type)
	not type in _defaults.incompressible.media_types
	not split(type, "/")[0] in _defaults.incompressible.families

	# Office documents are zip archives under many names.
	not strings.any_prefix_match(type, _defaults.incompressible.prefixes)
}

# METADATA
# description: A whole number, 0 or more.
is_count(value) if {
	is_number(value)
	value >= 0
	value == floor(value)
}
