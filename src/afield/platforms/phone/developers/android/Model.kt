// Made by afield from the schema of the model; make it anew rather than change it.
package {{package}}

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** One row of raw values, as the model learnt them. */
{{row}}
{{fields}}
{{row_end}}

/** Pixels of a picture, row by row: red, green, blue, one byte each. */
class Picture(val width: Int, val height: Int, val pixels: ByteArray) {
    init {
        require(pixels.size == width * height * 3) { "a picture of $width x $height has ${width * height * 3} bytes" }
    }
}

/** The answer to one row. */
data class Answer(
{{answer}}
)

/** {{title}}. */
class {{type}}(model: ByteArray, threads: Int = 1) : AutoCloseable {
    private val environment = OrtEnvironment.getEnvironment()
    private val session: OrtSession

    init {
        val options = OrtSession.SessionOptions()
        options.setIntraOpNumThreads(threads)
        session = environment.createSession(model, options)
    }

    /** Returns the answer to one row. */
    fun predict(row: Row): Answer {
        val inputs = LinkedHashMap<String, OnnxTensor>()
        try {
{{inputs}}
            val outputs = session.run(inputs)
            try {
                return Answer(
{{outputs}}
                )
            } finally {
                outputs.close()
            }
        } finally {
            inputs.values.forEach { it.close() }
        }
    }

    override fun close() {
        session.close()
    }

    private fun number(value: Double?): OnnxTensor = OnnxTensor.createTensor(environment, doubleArrayOf(value ?: Double.NaN))

    private fun text(value: String?): OnnxTensor = OnnxTensor.createTensor(environment, arrayOf(value ?: ""))

    private fun picture(value: Picture): OnnxTensor {
        val pixels = ByteBuffer.allocateDirect(value.pixels.size).order(ByteOrder.nativeOrder())
        pixels.put(value.pixels)
        pixels.rewind()
        val shape = longArrayOf(1L, value.height.toLong(), value.width.toLong(), 3L)
        return OnnxTensor.createTensor(environment, pixels, shape, OnnxJavaType.UINT8)
    }

    private fun sound(value: FloatArray): OnnxTensor =
        OnnxTensor.createTensor(environment, FloatBuffer.wrap(value), longArrayOf(1L, value.size.toLong()))

    companion object {
        /** Name of the model among the assets of this module. */
        const val ASSET = "{{asset}}"

        /** The classes, in the order of the probabilities; none of a regression. */
        val CLASSES: List<String> = listOf({{classes}})
    }
}
