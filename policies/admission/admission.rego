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
import data.holdfast.scanning

_defaults := data.holdfast.defaults

_config := data.holdfast.config

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
		"required": true,
		"allowTestSignatures": allow_test_signatures,
		"notScanned": not_scanned,
	},
	"format": format,
	"compression": compression,
	"destinations": sort(destinations),
}

default allow := false

allow if count(deny) == 0

# METADATA
# title: Complete input
# custom: { id: input_invalid }
deny contains {"id": "input_invalid", "text": "The question lacks a fact or states one in the wrong form."} if {
	not input_valid
}

# METADATA
# title: Rendered configuration present
# custom: { id: config_missing }
deny contains {"id": "config_missing", "text": "The policy has no configuration to judge by."} if {
	not config_present
}

# METADATA
# title: Known source
# custom: { id: source_unknown }
deny contains {"id": "source_unknown", "text": "The source is not configured."} if not source_known

# METADATA
# title: Size within limits
# custom: { id: size_over_limit }
deny contains {"id": "size_over_limit", "text": "The content is larger than policy allows."} if not size_within_limits

# METADATA
# title: Media type admitted
# custom: { id: media_type_denied }
deny contains {"id": "media_type_denied", "text": "Content of this media type is not backed up."} if {
	not media_type_admitted
}

# METADATA
# title: Name admitted
# custom: { id: name_denied }
deny contains {"id": "name_denied", "text": "Entries of this name are not backed up from this source."} if {
	not name_admitted
}

# METADATA
# title: Known classification
# custom: { id: classification_unknown }
deny contains {"id": "classification_unknown", "text": "The classification is not defined."} if {
	not classification_known
}

# METADATA
# title: A destination that may take it
# custom: { id: destination_none }
deny contains {"id": "destination_none", "text": "No destination may take content of this classification."} if {
	not destination_found
}

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

config_present if {
	_config.lock.mode in {"GOVERNANCE", "COMPLIANCE"}
	_config.lock.days >= 1
	is_object(_config.sources)
	is_object(_config.destinations)
}

source_known if is_object(_source)

size_within_limits if {
	_is_count(input.content.sizeBytes)
	input.content.sizeBytes <= _defaults.limits.max_size_bytes
	input.content.sizeBytes <= object.get(_source, ["admission", "max_size_bytes"], _defaults.limits.max_size_bytes)
}

media_type_admitted if {
	media_type := {"name": input.content.mediaType, "path": input.content.mediaType}
	names.none_match(_defaults.limits.deny_media_types, media_type)
	names.none_match(object.get(_source, ["admission", "deny_media_types"], []), media_type)
}

name_admitted if names.none_match(object.get(_source, ["admission", "deny_names"], []), input.entry)

classification_known if is_object(_defaults.classifications[classification])

destination_found if count(destinations) > 0

# What nobody classified is treated as the most sensitive.
default classification := "restricted"

classification := _source.classification if "classification" in object.keys(_source)

else := [name | some name in _matching; _defaults.classifications[name].rank == _highest_rank][0]

_matching contains _defaults.classification

_matching contains name if {
	some name, rule in _defaults.classify
	lower(input.entry.name) in rule.names
}

_matching contains name if {
	some name, rule in _defaults.classify
	input.entry.extension in rule.extensions
}

_highest_rank := max([_defaults.classifications[name].rank | some name in _matching])

default scope := "default"

scope := _source.scope if "scope" in object.keys(_source)

else := _defaults.classifications[classification].scope

default format := "sealed-v1"

format := _source.format if "format" in object.keys(_source)

else := _classification_format if _classification_format

else := _config.format

_classification_format := _defaults.classifications[classification].format

# The stronger of what the class asks for and what the operator configured.
retention := {
	"class": _retention_class,
	"mode": _lock_mode,
	"days": max([lock.days | some lock in _locks]),
}

default _retention_class := "standard"

_retention_class := _defaults.classifications[classification].retention_class

_locks contains _defaults.retention_classes[_retention_class]

_locks contains _config.lock

default _lock_mode := "GOVERNANCE"

_lock_mode := "COMPLIANCE" if {
	some lock in _locks
	lock.mode == "COMPLIANCE"
}

default not_scanned := {
	"too_large": "hold",
	"encrypted": "hold",
	"limits": "hold",
	"timeout": "hold",
	"scanner_error": "hold",
	"stale_signatures": "hold",
}

not_scanned := scanning.not_scanned(classification)

default allow_test_signatures := false

allow_test_signatures if scanning.builtin_signatures_allowed

default compression := {"algorithm": "none", "level": 0}

compression := {"algorithm": _defaults.compression.algorithm, "level": compression_level} if {
	is_string(input.content.mediaType)
	not _compressed_already
}

_class := _defaults.classifications[classification]

# What is set for the source counts before what its classification asks for, and that before the size.
compression_level := _source.compression_level if "compression_level" in object.keys(_source)

else := _class.compression_level if "compression_level" in object.keys(_class)

else := _defaults.compression.larger.level if input.content.sizeBytes > _defaults.compression.larger.than_bytes

else := _defaults.compression.level

_compressed_already if input.content.mediaType in _defaults.incompressible.media_types

_compressed_already if split(input.content.mediaType, "/")[0] in _defaults.incompressible.families

# Office documents are zip archives under many names.
_compressed_already if strings.any_prefix_match(input.content.mediaType, _defaults.incompressible.prefixes)

destinations contains name if {
	some name, destination in _config.destinations
	name in object.get(_source, "destinations", object.keys(_config.destinations))
	classification in destination.classifications
	_jurisdiction_allowed(destination.jurisdiction)
}

_jurisdiction_allowed(_) if "*" in _defaults.classifications[classification].jurisdictions

_jurisdiction_allowed(jurisdiction) if jurisdiction in _defaults.classifications[classification].jurisdictions

_is_count(value) if {
	is_number(value)
	value >= 0
	value == floor(value)
}
