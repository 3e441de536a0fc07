//! One operation through the whole net: judged, confirmed, recorded, applied, undoable.
