"""The model as source for apps of one's own: a Gradle module in Kotlin, and a Swift package."""
