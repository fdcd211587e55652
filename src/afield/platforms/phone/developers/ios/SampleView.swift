// A sample screen: a field for each column, a button, the answer. Copy it into an app that depends on {{type}}.
import SwiftUI
import {{type}}

struct SampleView: View {
{{states}}
    @State private var shown = ""
    @State private var model: {{type}}?

    var body: some View {
        Form {
{{fields}}
            Button("Predict") {
                do {
                    let opened = try model ?? {{type}}()
                    model = opened
                    let answer = try opened.predict(Row(
{{values}}
                    ))
                    shown = "\(answer)"
                } catch {
                    shown = "\(error)"
                }
            }
            Text(shown)
        }
    }

    private func number(_ text: String) -> Double? {
        Double(text.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: ",", with: "."))
    }

    private func given(_ text: String) -> String? {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        return trimmed.isEmpty ? nil : trimmed
    }
}
