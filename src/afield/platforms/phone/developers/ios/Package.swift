// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "{{type}}",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "{{type}}", targets: ["{{type}}"])],
    dependencies: [
        .package(url: "https://github.com/microsoft/onnxruntime-swift-package-manager", exact: "{{onnxruntime}}"),
    ],
    targets: [
        .target(
            name: "{{type}}",
            dependencies: [.product(name: "onnxruntime", package: "onnxruntime-swift-package-manager")],
            resources: [.copy("{{slug}}.onnx")]
        ),
    ]
)
