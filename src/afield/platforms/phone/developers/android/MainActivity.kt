// A sample screen: a field for each column, a button, the answer. Made by afield; change it as you like.
package {{package}}.sample

import android.app.Activity
import android.os.Bundle
import android.text.InputType
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import {{package}}.{{type}}
import {{package}}.Picture
import {{package}}.Row
import {{package}}.open{{type}}
import java.util.concurrent.Executors

class MainActivity : Activity() {
    private val worker = Executors.newSingleThreadExecutor()
    private var model: {{type}}? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val column = LinearLayout(this)
        column.orientation = LinearLayout.VERTICAL
        column.setPadding(32, 32, 32, 32)
{{fields}}
        val button = Button(this)
        button.text = "Predict"
        val shown = TextView(this)
        button.setOnClickListener {
            val row = {{row}}
{{values}}
            {{row_end}}
            worker.execute {
                val text = try {
                    val opened = model ?: open{{type}}(this).also { model = it }
                    opened.predict(row).toString()
                } catch (error: Exception) {
                    error.toString()
                }
                runOnUiThread { shown.text = text }
            }
        }
        column.addView(button)
        column.addView(shown)
        val scroll = ScrollView(this)
        scroll.addView(column)
        setContentView(scroll)
    }

    override fun onDestroy() {
        worker.execute { model?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    private fun field(parent: LinearLayout, label: String, numeric: Boolean): EditText {
        val title = TextView(this)
        title.text = label
        val edit = EditText(this)
        edit.inputType = if (numeric) {
            InputType.TYPE_CLASS_NUMBER or InputType.TYPE_NUMBER_FLAG_DECIMAL or InputType.TYPE_NUMBER_FLAG_SIGNED
        } else {
            InputType.TYPE_CLASS_TEXT
        }
        parent.addView(title)
        parent.addView(edit)
        return edit
    }

    private fun numberIn(edit: EditText): Double? = edit.text.toString().trim().replace(',', '.').toDoubleOrNull()

    private fun textIn(edit: EditText): String? = edit.text.toString().trim().ifEmpty { null }
}
