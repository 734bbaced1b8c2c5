# METADATA
# title: Reasons
# description: What a denial says. Ids are stable; sentences are data (data.holdfast.sentences), in English and French.
package holdfast.reasons

# METADATA
# title: Reason
# description: The reason with this id; one without a sentence denies all the same, with its id in the sentence's place.
reason(id) := {"id": id, "text": object.get(data.holdfast.sentences, [id, "en"], id)}
