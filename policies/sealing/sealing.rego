# METADATA
# title: Sealing
# description: |
#   How content is to be sealed, by its source and classification: admission says it, and release holds what was found
#   against it.
package holdfast.sealing

# METADATA
# description: The rules of a source; undefined for an unknown one.
_source(name) := data.holdfast.config.sources[name]

# METADATA
# description: The data of a classification; undefined for an unknown one.
_class(name) := data.holdfast.defaults.classifications[name]

# METADATA
# title: Key scope
# description: As the source says, else the classification.
scope(source, classification) := _source(source).scope if "scope" in object.keys(_source(source))

else := _class(classification).scope

# METADATA
# title: Format
# description: As the source says, else the classification, else the configuration, else the sealed format.
format(source, classification) := _source(source).format if "format" in object.keys(_source(source))

else := _class(classification).format if _class(classification).format

else := object.get(data.holdfast.config, "format", "sealed-v1")
