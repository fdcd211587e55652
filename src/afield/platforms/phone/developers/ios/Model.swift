// Made by afield from the schema of the model; make it anew rather than change it.
import Foundation
import OnnxRuntimeBindings

/// One row of raw values, as the model learnt them.
public struct Row {
{{fields}}

    public init(
{{arguments}}
    ) {
{{assignments}}
    }
}

/// Pixels of a picture, row by row: red, green, blue, one byte each.
public struct Picture {
    public let width: Int
    public let height: Int
    public let pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "a picture has three bytes for each pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}

/// The answer to one row.
public struct Answer {
{{answer}}
}

public enum {{type}}Error: Error {
    case noModel
    case noOutput(String)
}

/// {{title}}
public final class {{type}} {
    /// The classes, in the order of the probabilities; none of a regression.
    public static let classes: [String] = [{{classes}}]

    private let environment: ORTEnv
    private let session: ORTSession

    /// Opens the model that lies among the resources of this package.
    public init(threads: Int32 = 1) throws {
        guard let path = Bundle.module.path(forResource: "{{slug}}", ofType: "onnx") else {
            throw {{type}}Error.noModel
        }
        environment = try ORTEnv(loggingLevel: .warning)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(threads)
        session = try ORTSession(env: environment, modelPath: path, sessionOptions: options)
    }

    /// Returns the answer to one row.
    public func predict(_ row: Row) throws -> Answer {
        var inputs: [String: ORTValue] = [:]
{{inputs}}
        let outputs = try session.run(withInputs: inputs, outputNames: [{{outputs}}], runOptions: nil)
        return Answer(
{{reads}}
        )
    }

    /// Numbers go in as their bits: onnxruntime's Swift binding has no tensors of Double.
    private func numbers(_ values: [Double?]) throws -> ORTValue {
        let bits = values.map { ($0 ?? Double.nan).bitPattern }
        let data = bits.withUnsafeBytes { NSMutableData(bytes: $0.baseAddress, length: $0.count) }
        return try ORTValue(tensorData: data, elementType: .uInt64, shape: [1, NSNumber(value: values.count)])
    }

    private func texts(_ values: [String?]) throws -> ORTValue {
        try ORTValue(tensorStringData: values.map { $0 ?? "" }, shape: [1, NSNumber(value: values.count)])
    }

    private func picture(_ value: Picture) throws -> ORTValue {
        let data = value.pixels.withUnsafeBytes { NSMutableData(bytes: $0.baseAddress, length: $0.count) }
        let shape = [1, NSNumber(value: value.height), NSNumber(value: value.width), 3]
        return try ORTValue(tensorData: data, elementType: .uInt8, shape: shape)
    }

    private func sound(_ value: [Float]) throws -> ORTValue {
        let data = value.withUnsafeBytes { NSMutableData(bytes: $0.baseAddress, length: $0.count) }
        return try ORTValue(tensorData: data, elementType: .float, shape: [1, NSNumber(value: value.count)])
    }

    private func text(_ outputs: [String: ORTValue], _ name: String) throws -> String {
        guard let found = try outputs[name]?.tensorStringData().first else { throw {{type}}Error.noOutput(name) }
        return found
    }

    /// A Double comes out as two whole numbers: mantissa x 2^(exponent - 52).
    private func number(_ outputs: [String: ORTValue], _ name: String) throws -> Double {
        let mantissa = Double(try whole(outputs, name + "_mantissa"))
        let exponent = try whole(outputs, name + "_exponent")
        if exponent == 9999 {
            return mantissa == 0 ? Double.nan : mantissa * Double.infinity
        }
        return scalbn(mantissa, Int(exponent) - 52)
    }

    private func whole(_ outputs: [String: ORTValue], _ name: String) throws -> Int64 {
        guard let data = try outputs[name]?.tensorData() as Data? else { throw {{type}}Error.noOutput(name) }
        return data.withUnsafeBytes { $0.load(as: Int64.self) }
    }

    private func floats(_ outputs: [String: ORTValue], _ name: String) throws -> [Float] {
        guard let data = try outputs[name]?.tensorData() as Data? else { throw {{type}}Error.noOutput(name) }
        return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
}
