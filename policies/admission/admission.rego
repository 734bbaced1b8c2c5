# METADATA
# title: Admission
# description: |
#   Policy 1: may this content be backed up at all, and how? Every check is a helper that must hold; what is
#   missing from the input or from the data makes its helper undefined, and undefined denies.
# schemas:
#   - input: schema["admission-input"]
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/latest/policy-language
#     description: Rego v1
package holdfast.admission

import data.holdfast.names
import data.holdfast.reasons
import data.holdfast.retention as retention_classes
import data.holdfast.scanning
import data.holdfast.sealing

# METADATA
# description: The data the rules judge by.
_defaults := data.holdfast.defaults

# METADATA
# description: What is rendered from the configuration.
_config := data.holdfast.config

# METADATA
# description: The rules of the source asked about; undefined for an unknown one.
_source := _config.sources[input.source.name]

# METADATA
# title: Admission decision
# description: The whole answer; allowed only when not one reason denies.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": sort(deny),
	"classification": classification,
	"scope": scope,
	"retention": retention,
	"scan": {
		"required": scan_required,
		"allowTestSignatures": allow_test_signatures,
		"notScanned": not_scanned,
	},
	"format": format,
	"compression": compression,
	"destinations": sort(destinations),
}

# METADATA
# description: Whether not one reason denies.
default allow := false

allow if count(deny) == 0

# METADATA
# title: Complete input
# custom: { id: input_invalid }
deny contains reasons.reason("input_invalid") if {
	not input_valid
}

# METADATA
# title: Rendered configuration present
# custom: { id: config_missing }
deny contains reasons.reason("config_missing") if {
	not config_present
}

# METADATA
# title: Known source
# custom: { id: source_unknown }
deny contains reasons.reason("source_unknown") if not source_known

# METADATA
# title: Size within limits
# custom: { id: size_over_limit }
deny contains reasons.reason("size_over_limit") if not size_within_limits

# METADATA
# title: Media type admitted
# custom: { id: media_type_denied }
deny contains reasons.reason("media_type_denied") if {
	not media_type_admitted
}

# METADATA
# title: Name admitted
# custom: { id: name_denied }
deny contains reasons.reason("name_denied") if {
	not name_admitted
}

# METADATA
# title: Extension admitted
# custom: { id: extension_denied }
deny contains reasons.reason("extension_denied") if not extension_admitted

# METADATA
# title: Known retention class
# custom: { id: retention_unknown }
deny contains reasons.reason("retention_unknown") if not retention_known

# METADATA
# title: Known classification
# custom: { id: classification_unknown }
deny contains reasons.reason("classification_unknown") if {
	not classification_known
}

# METADATA
# title: A destination that may take it
# custom: { id: destination_none }
deny contains reasons.reason("destination_none") if {
	not destination_found
}

# METADATA
# description: Every fact of the question is there and in form.
input_valid if {
	input.gate == "admission"
	is_string(input.source.id)
	is_string(input.source.name)
	is_string(input.entry.path)
	is_string(input.entry.name)
	is_string(input.entry.extension)
	is_string(input.content.mediaType)
	regex.match(`^[0-9a-f]{64}$`, input.content.sha256)
	_is_count(input.content.sizeBytes)
}

# METADATA
# description: The configuration has the parts that everything below rests on.
config_present if {
	_config.lock.mode in {"GOVERNANCE", "COMPLIANCE"}
	_config.lock.days >= 1
	is_object(_config.sources)
	is_object(_config.destinations)
}

# METADATA
# description: The source is configured.
source_known if is_object(_source)

# METADATA
# description: Neither the general limit, nor the source's, nor the classification's is passed.
size_within_limits if {
	_is_count(input.content.sizeBytes)
	limit := _defaults.limits.max_size_bytes
	_is_count(limit)
	input.content.sizeBytes <= limit
	input.content.sizeBytes <= object.get(_source, ["admission", "max_size_bytes"], limit)
	input.content.sizeBytes <= object.get(_class, "max_size_bytes", limit)
}

# METADATA
# description: No pattern denies the media type, in general or for the source.
media_type_admitted if {
	names.none_match(_defaults.limits.deny_media_types, _media_type)
	names.none_match(object.get(_source, ["admission", "deny_media_types"], []), _media_type)
}

# METADATA
# description: The extension is not denied, in general or for the source.
extension_admitted if {
	every extension in _denied_extensions { extension != input.entry.extension }
}

# METADATA
# description: Those denied in general, then those of the source.
_denied_extensions := array.concat(
	_defaults.limits.deny_extensions,
	object.get(_source, ["admission", "deny_extensions"], []),
)

# METADATA
# description: No pattern denies the name, in general or for the source.
name_admitted if {
	names.none_match(_defaults.limits.deny_names, input.entry)
	names.none_match(object.get(_source, ["admission", "deny_names"], []), input.entry)
}

# METADATA
# description: The data define the classification.
classification_known if is_object(_defaults.classifications[classification])

# METADATA
# description: The data define the retention class, in form.
retention_known if is_object(_retention_terms)

# METADATA
# description: At least one destination may take it.
destination_found if count(destinations) > 0

# METADATA
# title: Classification
# description: |
#   That of the source, else the highest that a rule gives, else the data's own for what no rule names. What nobody
#   classified, or a rule that cannot be understood might, is treated as the most sensitive.
default classification := "restricted"

classification := classified_by.classification

# METADATA
# title: What gave the classification
# description: The source's own setting, the first of the highest rules by name, or the default.
classified_by := {"rule": "source", "classification": _source.classification} if {
	"classification" in object.keys(_source)
}

else := {"rule": "incomprehensible", "classification": "restricted"} if _incomprehensible

else := _highest if _highest

else := {"rule": "default", "classification": _defaults.classification}

# METADATA
# description: The matching rule with the highest rank, the first by name.
_highest := {"rule": rule, "classification": matching[rule]} if {
	ranks := {name: _defaults.classifications[class].rank | some name, class in matching}
	rule := min({name | some name, rank in ranks; rank == max({other | some other in ranks})})
}

# METADATA
# title: Matching rules
# description: The classification of each rule of classification that matches, by its name.
matching[name] := rule.classification if {
	some name, rule in _defaults.classify
	_matches(rule)
}

# METADATA
# description: All that a rule states holds; a condition that is not stated holds.
_matches(rule) if {
	input.source.name in object.get(rule, "sources", [input.source.name])
	_lower_name in object.get(rule, "names", [_lower_name])
	input.entry.extension in object.get(rule, "extensions", [input.entry.extension])
	input.content.sizeBytes > object.get(rule, "larger_than_bytes", -1)
	input.content.sizeBytes < object.get(rule, "smaller_than_bytes", input.content.sizeBytes + 1)
	not _other_name(rule)
	not _other_media_type(rule)
}

# METADATA
# description: The last name, as rules of classification compare it.
_lower_name := lower(input.entry.name)

# METADATA
# description: Name and path, as patterns of classification compare them.
_lower_entry := {"name": _lower_name, "path": lower(input.entry.path)}

# METADATA
# description: The media type in the form that patterns are matched against.
_media_type := {"name": input.content.mediaType, "path": input.content.mediaType}

# METADATA
# description: The rule has patterns, and none of them matches.
_other_name(rule) if names.none_match(rule.patterns, _lower_entry)

# METADATA
# description: The rule has media types, and none of them matches.
_other_media_type(rule) if names.none_match(rule.media_types, _media_type)

# METADATA
# description: A rule of classification has a pattern that is none.
_incomprehensible if {
	some rule in _defaults.classify
	some key in ["patterns", "media_types"]
	some pattern in rule[key]
	not names.is_pattern(pattern)
}

# METADATA
# description: Key scope; the general one where nothing says which.
default scope := "default"

scope := sealing.scope(input.source.name, classification)

# METADATA
# description: How it is sealed.
default format := "sealed-v1"

format := sealing.format(input.source.name, classification)

# METADATA
# title: Retention
# description: The stronger of what the class asks for and what the operator configured.
default retention := {"class": "standard", "mode": "GOVERNANCE", "days": 1}

retention := {
	"class": _retention_class,
	"mode": _retention_terms.mode,
	"days": _retention_terms.days,
}

# METADATA
# description: The source's, else the classification's.
_retention_class := _source.retention_class if "retention_class" in object.keys(_source)

else := _class.retention_class

# METADATA
# description: What the retention class asks for.
_retention_terms := retention_classes.terms(_defaults.retention_classes[_retention_class])

# METADATA
# description: Whether it is scanned; only a source can turn that off.
default scan_required := true

scan_required := false if _source.scan == "off"

# METADATA
# description: What becomes of it where the scanner gives no verdict, by reason.
default not_scanned := {
	"too_large": "hold",
	"encrypted": "hold",
	"limits": "hold",
	"timeout": "hold",
	"scanner_error": "hold",
	"stale_signatures": "hold",
}

not_scanned := scanning.not_scanned(classification)

# METADATA
# description: Whether `clean` from the built-in signatures counts.
default allow_test_signatures := false

allow_test_signatures if scanning.builtin_signatures_allowed

# METADATA
# description: Algorithm and level; none for what is compressed already.
default compression := {"algorithm": "none", "level": 0}

compression := {"algorithm": _defaults.compression.algorithm, "level": compression_level} if {
	is_string(input.content.mediaType)
	not _compressed_already
}

# METADATA
# description: The data of the classification.
_class := _defaults.classifications[classification]

# METADATA
# description: What is set for the source counts before what its classification asks for, and that before the size.
compression_level := _source.compression_level if "compression_level" in object.keys(_source)

else := _class.compression_level if "compression_level" in object.keys(_class)

else := _defaults.compression.larger.level if input.content.sizeBytes > _defaults.compression.larger.than_bytes

else := _defaults.compression.level

# METADATA
# description: By its media type; office documents are zip archives under many names.
_compressed_already if input.content.mediaType in _defaults.incompressible.media_types

_compressed_already if split(input.content.mediaType, "/")[0] in _defaults.incompressible.families

# Office documents are zip archives under many names.
_compressed_already if strings.any_prefix_match(input.content.mediaType, _defaults.incompressible.prefixes)

# METADATA
# description: Names of the destinations that may take the classification and lie where it may rest.
destinations contains name if {
	some name, destination in _config.destinations
	name in object.get(_source, "destinations", object.keys(_config.destinations))
	classification in destination.classifications
	classification in object.get(_defaults.destinations, [name, "classifications"], destination.classifications)
	_jurisdiction_allowed(destination.jurisdiction)
}

# METADATA
# description: |
#   Whether the classification may rest there; `*` is anywhere.
_jurisdiction_allowed(_) if "*" in _defaults.classifications[classification].jurisdictions

_jurisdiction_allowed(jurisdiction) if jurisdiction in _defaults.classifications[classification].jurisdictions

# METADATA
# description: A whole number, 0 or more.
_is_count(value) if {
	is_number(value)
	value >= 0
	value == floor(value)
}
